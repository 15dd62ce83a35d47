#include "app/pipeline/slide_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "lib/core/error.h"
#include "lib/plan/rank_model.h"

namespace untiled {
namespace {

/// A wished number of columns stays unless its largest part is so much larger than another's.
constexpr double kClearlyLess = 0.95;

/// A grid must be so much faster than rows to be taken.
constexpr double kClearlyFaster = 0.98;

/// The cells of `whole`, between their borders, in so many parts: a cell goes to the part in which
/// its middle lies. Some parts may be empty.
std::vector<Interval> share(const std::vector<int64_t>& borders, const Interval& whole, int parts) {
  std::vector<Interval> shares(static_cast<size_t>(parts), {whole.end, whole.end});
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    const Interval cell = {borders[i], borders[i + 1]};
    if (cell.empty() || !whole.contains(cell)) continue;
    const int64_t twice_middle = cell.begin + cell.end - 2 * whole.begin;
    Interval& mine = shares[static_cast<size_t>(twice_middle * parts / (2 * whole.size()))];
    mine = {std::min(mine.begin, cell.begin), cell.end};
  }
  return shares;
}

std::vector<Region> cut(const SlideCells& cells, const Region& region, const RankGrid& grid) {
  std::vector<Region> parts;
  for (const Interval& rows : share(cells.rows, region.rows, grid.rows)) {
    for (const Interval& cols : share(cells.cols, region.cols, grid.cols)) {
      parts.push_back({rows, cols});
    }
  }
  return parts;
}

int64_t largest(const std::vector<Region>& parts) {
  int64_t most = 0;
  for (const Region& part : parts) most = std::max(most, part.area());
  return most;
}

/// Of one row of a grid.
std::vector<Region> cut_row(const SlideCells& cells, const Region& region, int ranks) {
  std::vector<Region> best = cut(cells, region, {1, ranks});
  for (int below = 2; below <= ranks; ++below) {
    if (ranks % below != 0) continue;
    std::vector<Region> parts = cut(cells, region, {below, ranks / below});
    const auto most = static_cast<double>(largest(parts));
    if (most < kClearlyLess * static_cast<double>(largest(best))) best = std::move(parts);
  }
  return best;
}

/// Of each slide the rows of each row of ranks.
std::vector<std::vector<Interval>> stacked_rows(const std::vector<Extent>& slides,
                                                const std::vector<SlideCells>& cells, int parts) {
  int64_t total = 0;
  for (const Extent& slide : slides) total += slide.area();
  std::vector<std::vector<Interval>> rows;
  int64_t above = 0;  // Pixels of slides, and of this one's rows, that were given to parts.
  for (size_t i = 0; i < slides.size(); ++i) {
    const Extent& slide = slides[i];
    std::vector<Interval>& of_slide =
        rows.emplace_back(static_cast<size_t>(parts), Interval{slide.rows, slide.rows});
    for (size_t b = 0; b + 1 < cells[i].rows.size(); ++b) {
      const Interval band = {cells[i].rows[b], cells[i].rows[b + 1]};
      const int64_t area = band.size() * slide.cols;
      Interval& mine = of_slide[static_cast<size_t>((2 * above + area) * parts / (2 * total))];
      mine = {std::min(mine.begin, band.begin), band.end};
      above += area;
    }
  }
  return rows;
}

/// Of slides of one team.
SlideParts team_parts(const std::vector<Extent>& slides, const RankGrid& grid,
                      const TileLattice& lattice) {
  std::vector<SlideCells> cells;
  for (const Extent& slide : slides) cells.push_back(cells_of(slide, lattice));
  const auto rows = stacked_rows(slides, cells, grid.rows);
  SlideParts parts;
  for (size_t i = 0; i < slides.size(); ++i) {
    std::vector<Region>& of_slide = parts.emplace_back();
    for (const Interval& r : rows[i]) {
      const auto row = cut_row(cells[i], {r, {0, slides[i].cols}}, grid.cols);
      of_slide.insert(of_slide.end(), row.begin(), row.end());
    }
  }
  return parts;
}

/// Which slides each team has: the largest first, to the team with the fewest pixels.
std::vector<std::vector<size_t>> slides_of_teams(const std::vector<Extent>& slides, int teams) {
  std::vector<size_t> order(slides.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return slides[a].area() > slides[b].area(); });
  std::vector<std::vector<size_t>> of_teams(static_cast<size_t>(teams));
  std::vector<int64_t> pixels(static_cast<size_t>(teams), 0);
  for (const size_t i : order) {
    const auto team = std::min_element(pixels.begin(), pixels.end()) - pixels.begin();
    of_teams[static_cast<size_t>(team)].push_back(i);
    pixels[static_cast<size_t>(team)] += slides[i].area();
  }
  return of_teams;
}

std::vector<Extent> some_of(const std::vector<Extent>& slides, const std::vector<size_t>& which) {
  std::vector<Extent> some;
  for (const size_t i : which) some.push_back(slides[i]);
  return some;
}

std::vector<RankGrid> grids_of(int ranks) {
  std::vector<RankGrid> grids;
  for (int cols = 1; cols <= ranks; ++cols) {
    if (ranks % cols == 0) grids.push_back({ranks / cols, cols});
  }
  return grids;
}

/// By the model of ranks that usual cores are. Slides that are many are hardly cut in rows.
RankGrid best_grid(int ranks, const std::vector<Extent>& slides, const Graph& graph,
                   const TileLattice& lattice) {
  RankGrid best = {ranks, 1};
  if (slides.size() >= static_cast<size_t>(ranks)) return best;
  const Extent largest =
      *std::max_element(slides.begin(), slides.end(),
                        [](const Extent& a, const Extent& b) { return a.area() < b.area(); });
  double fastest = 0.0;
  for (const RankGrid& grid : grids_of(ranks)) {
    RankCase step{.pixels = largest, .grid = grid};
    step.largest_share = static_cast<double>(most_pixels(slide_parts(slides, {grid, 1}, lattice))) /
                         static_cast<double>(largest.area());
    const double seconds = model_step(graph, usual_core(), step).total();
    if (grid.cols > 1 && seconds >= kClearlyFaster * fastest) continue;
    best = grid;
    fastest = seconds;
  }
  return best;
}

int team_size(const RankSettings& wish, int ranks) {
  if (wish.per_slide == 0) return ranks;
  if (ranks % wish.per_slide == 0) return wish.per_slide;
  throw ConfigError(
      fmt::format("ranks.per_slide {}: {} ranks cannot be divided by it", wish.per_slide, ranks));
}

}  // namespace

SlideParts slide_parts(const std::vector<Extent>& slides, const RankSpread& spread,
                       const TileLattice& lattice) {
  SlideParts parts(slides.size(), std::vector<Region>(static_cast<size_t>(spread.ranks())));
  const auto of_teams = slides_of_teams(slides, spread.teams);
  for (size_t team = 0; team < of_teams.size(); ++team) {
    const SlideParts of_team = team_parts(some_of(slides, of_teams[team]), spread.grid, lattice);
    const auto first = static_cast<std::ptrdiff_t>(team) * spread.grid.count();
    for (size_t k = 0; k < of_team.size(); ++k) {
      std::copy(of_team[k].begin(), of_team[k].end(), parts[of_teams[team][k]].begin() + first);
    }
  }
  return parts;
}

int64_t most_pixels(const SlideParts& parts) {
  std::vector<int64_t> pixels(parts.front().size(), 0);
  for (const std::vector<Region>& of_slide : parts) {
    for (size_t rank = 0; rank < of_slide.size(); ++rank) pixels[rank] += of_slide[rank].area();
  }
  return *std::max_element(pixels.begin(), pixels.end());
}

int64_t most_columns(const SlideParts& parts) {
  size_t most = 0;
  for (const std::vector<Region>& of_slide : parts) {
    std::set<int64_t> left;
    for (const Region& part : of_slide) {
      if (!part.empty()) left.insert(part.cols.begin);
    }
    most = std::max(most, left.size());
  }
  return static_cast<int64_t>(most);
}

RankSpread choose_spread(const RankSettings& wish, int ranks, const std::vector<Extent>& slides,
                         const Graph& graph, const TileLattice& lattice) {
  if (ranks == 1) return {};
  const RankLayout layout = parse_rank_layout(wish.layout);
  const int size = team_size(wish, ranks);
  const int teams = ranks / size;
  // Fewer slides than teams, as a prediction may have: all ranks share them.
  if (static_cast<size_t>(teams) > slides.size()) {
    return {best_grid(ranks, slides, graph, lattice), 1};
  }
  if (layout.kind == RankLayout::Kind::kAuto) {
    const std::vector<Extent> of_team = some_of(slides, slides_of_teams(slides, teams).front());
    return {best_grid(size, of_team, graph, lattice), teams};
  }
  return {choose_rank_grid(layout, size, slides.front(), slides.front(), {}), teams};
}

}  // namespace untiled
