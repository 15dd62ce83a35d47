#include "data/tissue/spot_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// Clear spots of about one size, and which is where.
class Spots {
 public:
  /// `sigma`: of the blur that answers most to spots of the size, pixels.
  Spots(const cv::Mat& strength, double sigma)
      : nearest_(1.5 * sigma),
        farthest_(12 * sigma),
        side_(static_cast<int>(std::ceil(farthest_))),
        across_(strength.cols / side_ + 1) {
    cells_.resize(static_cast<size_t>(across_) * static_cast<size_t>(strength.rows / side_ + 1));
    cv::Mat inner;
    cv::Mat outer;
    cv::GaussianBlur(strength, inner, {0, 0}, sigma);
    cv::GaussianBlur(strength, outer, {0, 0}, 1.6 * sigma);
    // Where tissue covers the frame, its texture answers too, and faintly for what it is.
    constexpr double kClear = 0.06;
    cv::Mat answer = inner - outer;
    answer.setTo(0, answer < kClear * inner);
    const int reach = 2 * static_cast<int>(std::ceil(sigma)) + 1;
    cv::Mat highest;
    cv::dilate(answer, highest, cv::getStructuringElement(cv::MORPH_ELLIPSE, {reach, reach}));
    constexpr float kLeast = 0.8F;
    for (int row = 0; row < answer.rows; ++row) {
      const float* value = answer.ptr<float>(row);
      const float* most = highest.ptr<float>(row);
      for (int col = 0; col < answer.cols; ++col) {
        if (value[col] < kLeast || value[col] < most[col]) continue;
        cells_[cell_of(row, col)].push_back(static_cast<int>(centres_.size()));
        centres_.emplace_back(static_cast<float>(col), static_cast<float>(row));
      }
    }
  }

  const std::vector<cv::Point2f>& centres() const { return centres_; }

  /// The spot nearest to a place, within a radius of at most a cell's side; -1: none.
  int at(const cv::Point2f& place, double radius) const {
    return best(place, [&](const cv::Point2f& offset) {
      const double distance = std::hypot(offset.x, offset.y);
      return distance <= radius ? distance : -1;
    });
  }

  /// The nearest spot of a spot in the direction of an axis (0: x, 1: y); -1: none.
  int after(const cv::Point2f& place, int axis) const {
    constexpr double kCone = 0.2;  // Tangent of the most that a frame is turned.
    return best(place, [&](const cv::Point2f& offset) {
      const double along = axis == 0 ? offset.x : offset.y;
      const double aside = std::abs(axis == 0 ? offset.y : offset.x);
      const bool fits = along >= nearest_ && along <= farthest_ && aside <= kCone * along;
      return fits ? along : -1;
    });
  }

 private:
  size_t cell_of(int row, int col) const { return cell_at(row / side_, col / side_); }
  size_t cell_at(int down, int across) const {
    return static_cast<size_t>(down) * static_cast<size_t>(across_) + static_cast<size_t>(across);
  }

  /// The spot of the least rank, which is negative for those that are none.
  template <typename Rank>
  int best(const cv::Point2f& place, Rank rank) const {
    int found = -1;
    double least = 0;
    const int down = static_cast<int>(cells_.size()) / across_;
    const int row = static_cast<int>(place.y) / side_;
    const int col = static_cast<int>(place.x) / side_;
    for (int y = std::max(0, row - 1); y <= std::min(down - 1, row + 1); ++y) {
      for (int x = std::max(0, col - 1); x <= std::min(across_ - 1, col + 1); ++x) {
        for (const int spot : cells_[cell_at(y, x)]) {
          const double value = rank(centres_[static_cast<size_t>(spot)] - place);
          if (value < 0 || (found >= 0 && value >= least)) continue;
          found = spot;
          least = value;
        }
      }
    }
    return found;
  }

  double nearest_;
  double farthest_;
  int side_;    ///< Of a cell, pixels: no search reaches beyond the next one.
  int across_;  ///< Cells.
  std::vector<cv::Point2f> centres_;
  std::vector<std::vector<int>> cells_;
};

/// The spots of a line at one distance that begins with a spot; a single one may be missing.
std::vector<int> line_from(const Spots& spots, int first, int axis) {
  const std::vector<cv::Point2f>& centres = spots.centres();
  const int second = spots.after(centres[static_cast<size_t>(first)], axis);
  if (second < 0) return {first};
  std::vector<int> line = {first, second};
  const cv::Point2f begin = centres[static_cast<size_t>(first)];
  cv::Point2f step = centres[static_cast<size_t>(second)] - begin;
  for (int steps = 1; steps < 4096;) {
    const cv::Point2f last = centres[static_cast<size_t>(line.back())];
    const double radius = std::max(1.5, 0.2 * std::hypot(step.x, step.y));
    int next = spots.at(last + step, radius);
    int taken = 1;
    if (next < 0) {
      next = spots.at(last + 2 * step, radius);
      taken = 2;
    }
    if (next < 0 || next == line.back()) break;
    steps += taken;
    line.push_back(next);
    step = (centres[static_cast<size_t>(next)] - begin) / static_cast<float>(steps);
  }
  return line;
}

/// What lies in long lines along an axis.
struct Lines {
  std::vector<cv::Point2f> spots;
  std::vector<float> slopes;  ///< Of each line, as often as it has spots.
  std::vector<float> steps;   ///< From spot to spot, likewise.
};

Lines lines_along(const Spots& spots, int axis) {
  constexpr size_t kLeast = 8;
  std::vector<bool> seen(spots.centres().size(), false);
  Lines lines;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i]) continue;
    const std::vector<int> line = line_from(spots, static_cast<int>(i), axis);
    if (line.size() < kLeast) continue;
    const cv::Point2f way = spots.centres()[static_cast<size_t>(line.back())] -
                            spots.centres()[static_cast<size_t>(line.front())];
    const float step =
        static_cast<float>(std::hypot(way.x, way.y)) / static_cast<float>(line.size() - 1);
    for (const int spot : line) {
      if (seen[static_cast<size_t>(spot)]) continue;
      seen[static_cast<size_t>(spot)] = true;
      lines.spots.push_back(spots.centres()[static_cast<size_t>(spot)]);
      lines.slopes.push_back(axis == 0 ? way.y / way.x : -way.x / way.y);
      lines.steps.push_back(step);
    }
  }
  return lines;
}

/// Turns places about the picture's corner.
class Turn {
 public:
  explicit Turn(double slope) : cos_(1 / std::hypot(1, slope)), sin_(slope * cos_) {}

  cv::Point2d straight(const cv::Point2d& p) const {
    return {cos_ * p.x + sin_ * p.y, cos_ * p.y - sin_ * p.x};
  }
  cv::Point2d back(const cv::Point2d& p) const {
    return {cos_ * p.x - sin_ * p.y, cos_ * p.y + sin_ * p.x};
  }

 private:
  double cos_;
  double sin_;
};

/// Rows of spots side by side, which may be a side of a frame: where they lie across themselves,
/// and from where to where they go.
struct Band {
  double low = 0;
  double high = 0;
  double from = 0;
  double to = 0;
  size_t spots = 0;
  double step = 0;  ///< From spot to spot.
  bool begins_on_glass = false;
  bool ends_on_glass = false;  ///< And not where tissue hides the rest.

  /// Of several rows: an edge looks like a single one.
  bool is_deep() const {
    constexpr double kNextRow = 0.6;  // Steps.
    return high - low > kNextRow * step;
  }
};

/// A place along the rows and across them.
struct Place {
  double along = 0;
  double across = 0;
  double in_row = 0;  ///< How many lie in one row with it.
};

/// Those that many others lie in one row with: the rest are chance. Sorted across.
std::vector<Place> in_full_rows(std::vector<Place> places, double step, double length) {
  constexpr double kSameRow = 0.3;  // Of a step.
  constexpr double kLeastPart = 0.2;
  constexpr double kLeast = 10;
  std::sort(places.begin(), places.end(),
            [](const Place& p, const Place& q) { return p.across < q.across; });
  const double least = std::max(kLeast, kLeastPart * length / step);
  std::vector<Place> kept;
  size_t begin = 0;
  size_t end = 0;
  for (Place& place : places) {
    while (places[begin].across < place.across - kSameRow * step) ++begin;
    while (end < places.size() && places[end].across <= place.across + kSameRow * step) ++end;
    place.in_row = static_cast<double>(end - begin);
    if (place.in_row >= least) kept.push_back(place);
  }
  return kept;
}

/// Its first and last rows are those that have a good part of what its fullest row has: what lies
/// beyond is chance.
Band band_of(const std::vector<Place>& places, size_t begin, size_t end, double step) {
  constexpr double kGoodPart = 0.5;
  double fullest = 0;
  std::vector<float> along;
  for (size_t i = begin; i < end; ++i) {
    fullest = std::max(fullest, places[i].in_row);
    along.push_back(static_cast<float>(places[i].along));
  }
  const auto is_full = [&](size_t i) { return places[i].in_row >= kGoodPart * fullest; };
  size_t first = begin;
  size_t last = end - 1;
  while (!is_full(first)) ++first;
  while (!is_full(last)) --last;
  Band band;
  band.low = places[first].across;
  band.high = places[last].across;
  band.from = quantile(along, 0.02);
  band.to = quantile(along, 0.98);
  band.spots = end - begin;
  band.step = step;
  return band;
}

/// The bands among places, with less than a gap between their rows, along sides of a length in a
/// picture of a depth across them.
std::vector<Band> bands_of(const std::vector<Place>& places, double step, double gap, double length,
                           double depth) {
  constexpr double kLeastSpan = 0.25;  // Of the length.
  constexpr double kDeepest = 0.15;    // Of the depth.
  const std::vector<Place> rows = in_full_rows(places, step, length);
  std::vector<Band> bands;
  size_t begin = 0;
  for (size_t i = 1; i <= rows.size(); ++i) {
    if (i < rows.size() && rows[i].across - rows[i - 1].across < gap) continue;
    const Band band = band_of(rows, begin, i, step);
    begin = i;
    const bool is_side =
        band.to - band.from > kLeastSpan * length && band.high - band.low < kDeepest * depth;
    if (is_side) bands.push_back(band);
  }
  return bands;
}

/// Two sides that face each other; one may be missing, where tissue hides it.
struct Pair {
  const Band* low = nullptr;
  const Band* high = nullptr;

  int sides() const { return int{low != nullptr} + int{high != nullptr}; }
  int deep() const {
    return int{low != nullptr && low->is_deep()} + int{high != nullptr && high->is_deep()};
  }
  size_t spots() const {
    return (low != nullptr ? low->spots : 0) + (high != nullptr ? high->spots : 0);
  }
};

std::vector<Pair> pairs_of(const std::vector<Band>& bands, double depth) {
  constexpr double kLeastSpan = 0.4;  // Of the picture.
  std::vector<Pair> pairs;
  for (const Band& low : bands) {
    pairs.push_back({&low, nullptr});
    pairs.push_back({nullptr, &low});
    for (const Band& high : bands) {
      if (high.low - low.high > kLeastSpan * depth) pairs.push_back({&low, &high});
    }
  }
  return pairs;
}

/// Whether sides end where those across them are.
bool end_at(const Pair& sides, const Pair& others, double tolerance) {
  for (const Band* side : {sides.low, sides.high}) {
    if (side == nullptr) continue;
    if (others.low != nullptr && side->from < others.low->low - tolerance) return false;
    if (others.high != nullptr && side->to > others.high->high + tolerance) return false;
  }
  return true;
}

/// Where the farthest of sides end towards a missing one across them: it is as far from there as
/// the other one, whose inner edge is given, is from where they begin. The picture's border where
/// tissue hides their ends.
double missing_low(const Pair& sides, double high) {
  double low = high;
  for (const Band* side : {sides.low, sides.high}) {
    if (side == nullptr || !side->begins_on_glass) continue;
    low = std::min(low, side->from - std::max(0.0, high - side->to));
  }
  return low < high ? low : 0;
}

double missing_high(const Pair& sides, double low, double depth) {
  double high = low;
  for (const Band* side : {sides.low, sides.high}) {
    if (side == nullptr || !side->ends_on_glass) continue;
    high = std::max(high, side->to + std::max(0.0, side->from - low));
  }
  return high > low ? high : depth;
}

/// From where to where a pair's inner edges go.
std::pair<double, double> between(const Pair& sides, const Pair& others, double edge,
                                  double depth) {
  if (sides.low == nullptr) {
    const double high = sides.high->low - edge;
    return {missing_low(others, high), high};
  }
  if (sides.high == nullptr) {
    const double low = sides.low->high + edge;
    return {low, missing_high(others, low, depth)};
  }
  // Both have as many rows, of which tissue may hide some.
  const double rows =
      std::max(sides.low->high - sides.low->low, sides.high->high - sides.high->low);
  return {sides.low->low + rows + edge, sides.high->high - rows - edge};
}

/// A frame of spots of about one size.
struct Frame {
  cv::Rect2d inside;  ///< Of the picture turned straight.
  Turn turn{0};
  int joined = 0;     ///< Sides that meet others.
  double oblong = 0;  ///< Logarithm of its sides' ratio.
  size_t spots = 0;   ///< That were found in its lines.
};

/// How many sides go as far as one across them does.
int joined_sides(const Pair& sides, const Pair& others, double reach) {
  int joined = 0;
  for (const Band* side : {sides.low, sides.high}) {
    if (side == nullptr) continue;
    const auto meets = [&](const Band* other) {
      if (other == nullptr) return false;
      return std::abs(side == sides.low ? other->from - side->high : other->to - side->low) < reach;
    };
    joined += int{meets(others.low) || meets(others.high)};
  }
  return joined;
}

/// The one with the most sides that meet; what lies farther out is another frame's. Where tissue
/// hides the corners, the one that is most like a square.
std::optional<Frame> frame_among(const std::vector<Band>& rows, const std::vector<Band>& columns,
                                 const cv::Size& size, double step, double edge) {
  constexpr double kTolerance = 3;  // Steps.
  constexpr double kReach = 5;
  constexpr int kLeastSides = 3;
  constexpr int kLeastDeep = 2;
  std::optional<Frame> best;
  const std::vector<Pair> across = pairs_of(columns, size.width);
  for (const Pair& down : pairs_of(rows, size.height)) {
    for (const Pair& sides : across) {
      if (down.deep() + sides.deep() < kLeastDeep) continue;
      if (!end_at(down, sides, kTolerance * step) || !end_at(sides, down, kTolerance * step)) {
        continue;
      }
      const auto [left, right] = between(sides, down, edge, size.width);
      const auto [top, bottom] = between(down, sides, edge, size.height);
      const cv::Rect2d inside(left, top, right - left, bottom - top);
      if (inside.width <= 0 || inside.height <= 0) continue;
      const int joined =
          joined_sides(down, sides, kReach * step) + joined_sides(sides, down, kReach * step);
      if (joined < kLeastSides) continue;
      const double oblong = std::abs(std::log(inside.width / inside.height));
      const bool is_better =
          !best || joined > best->joined || (joined == best->joined && oblong < best->oblong);
      if (is_better) best = Frame{inside, Turn(0), joined, oblong, down.spots() + sides.spots()};
    }
  }
  return best;
}

Turn turn_of(const Lines& rows, const Lines& columns) {
  std::vector<float> slopes = rows.slopes;
  slopes.insert(slopes.end(), columns.slopes.begin(), columns.slopes.end());
  return Turn(quantile(slopes, 0.5));
}

std::vector<Place> places_of(const Lines& lines, const Turn& turn, bool in_rows) {
  std::vector<Place> places;
  for (const cv::Point2f& spot : lines.spots) {
    const cv::Point2d p = turn.straight(spot);
    places.push_back({in_rows ? p.x : p.y, in_rows ? p.y : p.x, 0});
  }
  return places;
}

size_t count_inside(const Lines& lines, const Frame& frame) {
  return static_cast<size_t>(std::count_if(
      lines.spots.begin(), lines.spots.end(),
      [&](const cv::Point2f& spot) { return frame.inside.contains(frame.turn.straight(spot)); }));
}

/// Looks beyond the ends of bands, of rows or of columns.
class Ends {
 public:
  Ends(const cv::Mat& strength, double low, const Turn& turn)
      : strength_(strength), low_(low), turn_(turn) {}

  void look(std::vector<Band>& bands, bool in_rows) const {
    constexpr double kNear = 1.5;  // Steps.
    constexpr double kFar = 4;
    for (Band& band : bands) {
      band.begins_on_glass =
          is_glass(band, band.from - kFar * band.step, band.from - kNear * band.step, in_rows);
      band.ends_on_glass =
          is_glass(band, band.to + kNear * band.step, band.to + kFar * band.step, in_rows);
    }
  }

 private:
  /// Spots of a corner may lie there.
  bool is_glass(const Band& band, double from, double to, bool in_rows) const {
    constexpr double kPart = 0.25;
    int places = 0;
    int bare = 0;
    const auto last_along = static_cast<int>(to - from);
    const auto last_across = static_cast<int>(band.high - band.low);
    for (int i = 0; i <= last_along; ++i) {
      for (int j = 0; j <= last_across; ++j, ++places) {
        const double along = from + i;
        const double across = band.low + j;
        const cv::Point p =
            turn_.back(in_rows ? cv::Point2d(along, across) : cv::Point2d(across, along));
        const bool is_inside = cv::Rect(cv::Point(), strength_.size()).contains(p);
        bare += !is_inside || strength_.at<float>(p) < low_ ? 1 : 0;
      }
    }
    return bare > kPart * places;
  }

  const cv::Mat& strength_;
  double low_;
  const Turn& turn_;
};

/// The frame of spots of about one size; from a strength of `low` on something lies on the glass.
std::optional<Frame> frame_of(const cv::Mat& strength, double low, double sigma) {
  constexpr double kMostBetween = 0.2;
  constexpr double kNextRow = 2.2;  // Of the lesser step.
  const Spots spots(strength, sigma);
  const Lines rows = lines_along(spots, 0);
  if (rows.spots.empty()) return std::nullopt;
  const Lines columns = lines_along(spots, 1);
  if (columns.spots.empty()) return std::nullopt;
  const Turn turn = turn_of(rows, columns);
  const double row_step = quantile(rows.steps, 0.5);
  const double column_step = quantile(columns.steps, 0.5);
  const double gap = kNextRow * std::min(row_step, column_step);
  std::vector<Band> lying =
      bands_of(places_of(rows, turn, true), row_step, gap, strength.cols, strength.rows);
  std::vector<Band> standing =
      bands_of(places_of(columns, turn, false), column_step, gap, strength.rows, strength.cols);
  const Ends ends(strength, low, turn);
  ends.look(lying, true);
  ends.look(standing, false);
  // From a spot's centre to its edge.
  const double edge = std::ceil(2 * sigma);
  std::optional<Frame> found =
      frame_among(lying, standing, strength.size(), std::max(row_step, column_step), edge);
  if (!found) return found;
  found->turn = turn;
  const size_t between = count_inside(rows, *found) + count_inside(columns, *found);
  const double most = kMostBetween * static_cast<double>(found->spots);
  return static_cast<double>(between) > most ? std::nullopt : found;
}

/// 0 and 1; the frame was found in a picture that is smaller by a scale.
cv::Mat inside_of(const Frame& frame, double scale, const cv::Size& size) {
  const cv::Rect2d& r = frame.inside;
  std::vector<cv::Point> corners;
  for (const cv::Point2d& corner :
       {r.tl(), cv::Point2d(r.x + r.width, r.y), r.br(), cv::Point2d(r.x, r.y + r.height)}) {
    corners.emplace_back(frame.turn.back(corner) * scale);
  }
  cv::Mat inside = cv::Mat::zeros(size, CV_8U);
  cv::fillConvexPoly(inside, corners, cv::Scalar(1));
  return inside;
}

}  // namespace

cv::Mat find_spot_frame(const cv::Mat& strength, double low) {
  constexpr std::array<double, 2> kSigmas = {1.6, 2.3};
  constexpr int kLargestScale = 4;
  std::optional<Frame> best;
  cv::Mat inside;
  cv::Mat reduced = strength;
  for (int scale = 1; scale <= kLargestScale; scale *= 2) {
    for (const double sigma : kSigmas) {
      const std::optional<Frame> frame = frame_of(reduced, low, sigma);
      if (!frame || (best && frame->spots <= best->spots)) continue;
      best = frame;
      inside = inside_of(*frame, scale, strength.size());
    }
    cv::resize(reduced, reduced, {}, 0.5, 0.5, cv::INTER_AREA);
    if (std::min(reduced.cols, reduced.rows) < 64) break;
  }
  return inside;
}

}  // namespace untiled
