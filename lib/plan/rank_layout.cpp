#include "lib/plan/rank_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int kMostRanksAside = 65'536;

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool ok = error == std::errc() && end == text.data() + text.size();
  if (!ok || value < 1 || value > kMostRanksAside) return std::nullopt;
  return value;
}

/// What a rank in the middle computes beyond its share along one axis, as a part of the share.
double halo_part(int64_t pixels, int64_t tile, int64_t reach, int ranks) {
  const int64_t own = ceil_div(ceil_div(pixels, tile), ranks);
  return 2.0 * static_cast<double>(ceil_div(reach, tile)) / static_cast<double>(own);
}

/// `parts` + 1 positions in [0, sizes of weights] between which weights are about equal.
std::vector<int64_t> equal_cuts(const std::vector<int64_t>& weights, int parts) {
  const auto total = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  std::vector<int64_t> cuts = {0};
  int64_t sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    // A row goes to the part in which its middle lies.
    const int64_t twice_middle = 2 * sum + weights[i];
    while (static_cast<int>(cuts.size()) < parts &&
           twice_middle * parts >= 2 * total * static_cast<int64_t>(cuts.size())) {
      cuts.push_back(static_cast<int64_t>(i));
    }
    sum += weights[i];
  }
  cuts.resize(static_cast<size_t>(parts) + 1, static_cast<int64_t>(weights.size()));
  cuts.back() = static_cast<int64_t>(weights.size());
  return cuts;
}

std::vector<Interval> pieces_of(const std::vector<int64_t>& weights, int parts, int64_t tile,
                                int64_t pixels) {
  const std::vector<int64_t> cuts = equal_cuts(weights, parts);
  std::vector<Interval> pieces;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    pieces.push_back(clip({cuts[i] * tile, cuts[i + 1] * tile}, pixels));
  }
  return pieces;
}

}  // namespace

RankLayout parse_rank_layout(const std::string& text) {
  using Kind = RankLayout::Kind;
  if (text == "auto") return {};
  if (text == "rows") return {Kind::kRows, {}};
  if (text == "columns") return {Kind::kColumns, {}};
  const size_t cross = text.find('x');
  const auto rows = whole_number(std::string_view(text).substr(0, std::min(cross, text.size())));
  const auto cols = cross == std::string::npos
                        ? std::nullopt
                        : whole_number(std::string_view(text).substr(cross + 1));
  if (rows && cols) return {Kind::kGrid, {*rows, *cols}};
  throw ConfigError(
      fmt::format("ranks.layout {}: expected auto, rows, columns or a grid such as 2x3", text));
}

Extent rank_reach(const Graph& graph, const Plan& plan, const Extent& pixels) {
  Extent widest;
  for (const SegmentPlan& segment : plan.segments) {
    const int64_t stride = graph.stride(segment.segment.target);
    widest.rows = std::max(widest.rows, std::min(stride * segment.tile.rows, pixels.rows));
    widest.cols = std::max(widest.cols, std::min(stride * segment.tile.cols, pixels.cols));
  }
  const int64_t halo = graph.receptive_field(graph.output()) / 2;
  return {halo + widest.rows, halo + widest.cols};
}

RankGrid choose_rank_grid(const RankLayout& layout, int ranks, const Extent& pixels,
                          const Extent& tile, const Extent& reach) {
  if (ranks == 1) return {1, 1};
  const RankGrid rows = {ranks, 1};
  const RankGrid cols = {1, ranks};
  switch (layout.kind) {
    case RankLayout::Kind::kRows:
      return rows;
    case RankLayout::Kind::kColumns:
      return cols;
    case RankLayout::Kind::kGrid:
      if (layout.grid.count() == ranks) return layout.grid;
      throw ConfigError(fmt::format("ranks.layout {}x{} is for {} ranks, and there are {}",
                                    layout.grid.rows, layout.grid.cols, layout.grid.count(),
                                    ranks));
    case RankLayout::Kind::kAuto:
      break;
  }
  const double below = halo_part(pixels.rows, tile.rows, reach.rows, ranks);
  const double aside = halo_part(pixels.cols, tile.cols, reach.cols, ranks);
  return below <= aside ? rows : cols;
}

std::vector<Region> rank_cells(const RankGrid& grid, const Extent& pixels, const Extent& tile,
                               const std::vector<bool>& wanted) {
  const auto down = static_cast<size_t>(ceil_div(pixels.rows, tile.rows));
  const auto across = static_cast<size_t>(ceil_div(pixels.cols, tile.cols));
  const bool any = std::find(wanted.begin(), wanted.end(), true) != wanted.end();
  std::vector<int64_t> of_row(down, 0);
  std::vector<int64_t> of_col(across, 0);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (any && !wanted[i]) continue;
    ++of_row[i / across];
    ++of_col[i % across];
  }
  const auto rows = pieces_of(of_row, grid.rows, tile.rows, pixels.rows);
  const auto cols = pieces_of(of_col, grid.cols, tile.cols, pixels.cols);
  std::vector<Region> cells;
  for (const Interval& r : rows) {
    for (const Interval& c : cols) cells.push_back({r, c});
  }
  return cells;
}

bool owns(const Region& cell, const Tile& tile, int64_t stride) {
  const int64_t row = tile.own.rows.begin * stride;
  const int64_t col = tile.own.cols.begin * stride;
  return cell.rows.begin <= row && row < cell.rows.end && cell.cols.begin <= col &&
         col < cell.cols.end;
}

}  // namespace untiled
