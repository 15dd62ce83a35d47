#include "data/tissue/spot_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "data/tissue/quantile.h"
#include "data/tissue/spot_bands.h"
#include "data/tissue/spot_lines.h"

namespace untiled {
namespace {

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

/// Two sides that face each other; one may be missing, where tissue hides it.
struct Pair {
  const SpotBand* low = nullptr;
  const SpotBand* high = nullptr;

  int sides() const { return int{low != nullptr} + int{high != nullptr}; }
  int deep() const {
    return int{low != nullptr && low->is_deep()} + int{high != nullptr && high->is_deep()};
  }
  size_t spots() const {
    return (low != nullptr ? low->spots : 0) + (high != nullptr ? high->spots : 0);
  }
};

std::vector<Pair> pairs_of(const std::vector<SpotBand>& bands, double depth) {
  constexpr double kLeastSpan = 0.4;  // Of the picture.
  std::vector<Pair> pairs;
  for (const SpotBand& low : bands) {
    pairs.push_back({&low, nullptr});
    pairs.push_back({nullptr, &low});
    for (const SpotBand& high : bands) {
      if (high.low - low.high > kLeastSpan * depth) pairs.push_back({&low, &high});
    }
  }
  return pairs;
}

/// Whether sides end where those across them are.
bool end_at(const Pair& sides, const Pair& others, double tolerance) {
  for (const SpotBand* side : {sides.low, sides.high}) {
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
  for (const SpotBand* side : {sides.low, sides.high}) {
    if (side == nullptr || !side->begins_on_glass) continue;
    low = std::min(low, side->from - std::max(0.0, high - side->to));
  }
  return low < high ? low : 0;
}

double missing_high(const Pair& sides, double low, double depth) {
  double high = low;
  for (const SpotBand* side : {sides.low, sides.high}) {
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
  for (const SpotBand* side : {sides.low, sides.high}) {
    if (side == nullptr) continue;
    const auto meets = [&](const SpotBand* other) {
      if (other == nullptr) return false;
      return std::abs(side == sides.low ? other->from - side->high : other->to - side->low) < reach;
    };
    joined += int{meets(others.low) || meets(others.high)};
  }
  return joined;
}

/// The one with the most sides that meet; what lies farther out is another frame's. Where tissue
/// hides the corners, the one that is most like a square.
std::optional<Frame> frame_among(const std::vector<SpotBand>& rows,
                                 const std::vector<SpotBand>& columns, const cv::Size& size,
                                 double step, double edge) {
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

Turn turn_of(const SpotLines& rows, const SpotLines& columns) {
  std::vector<float> slopes = rows.slopes;
  slopes.insert(slopes.end(), columns.slopes.begin(), columns.slopes.end());
  return Turn(quantile(slopes, 0.5));
}

std::vector<SpotPlace> places_of(const SpotLines& lines, const Turn& turn, bool in_rows) {
  std::vector<SpotPlace> places;
  for (const cv::Point2f& spot : lines.spots) {
    const cv::Point2d p = turn.straight(spot);
    places.push_back({in_rows ? p.x : p.y, in_rows ? p.y : p.x, 0});
  }
  return places;
}

size_t count_inside(const SpotLines& lines, const Frame& frame) {
  return static_cast<size_t>(std::count_if(
      lines.spots.begin(), lines.spots.end(),
      [&](const cv::Point2f& spot) { return frame.inside.contains(frame.turn.straight(spot)); }));
}

/// Looks beyond the ends of bands, of rows or of columns.
class Ends {
 public:
  Ends(const cv::Mat& strength, double low, const Turn& turn)
      : strength_(strength), low_(low), turn_(turn) {}

  void look(std::vector<SpotBand>& bands, bool in_rows) const {
    constexpr double kNear = 1.5;  // Steps.
    constexpr double kFar = 4;
    for (SpotBand& band : bands) {
      band.begins_on_glass =
          is_glass(band, band.from - kFar * band.step, band.from - kNear * band.step, in_rows);
      band.ends_on_glass =
          is_glass(band, band.to + kNear * band.step, band.to + kFar * band.step, in_rows);
    }
  }

 private:
  /// Spots of a corner may lie there.
  bool is_glass(const SpotBand& band, double from, double to, bool in_rows) const {
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
  const auto [rows, columns] = find_spot_grid(strength, sigma);
  if (rows.spots.empty() || columns.spots.empty()) return std::nullopt;
  const Turn turn = turn_of(rows, columns);
  const double row_step = quantile(rows.steps, 0.5);
  const double column_step = quantile(columns.steps, 0.5);
  const double gap = kNextRow * std::min(row_step, column_step);
  std::vector<SpotBand> lying =
      bands_of(places_of(rows, turn, true), row_step, gap, strength.cols, strength.rows);
  std::vector<SpotBand> standing =
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
