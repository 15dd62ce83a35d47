#include "data/tissue/spot_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// Spots of about one size, and which is where.
class Spots {
 public:
  /// `sigma`: of the blur that answers most to spots of the size, pixels.
  Spots(const cv::Mat& strength, double sigma)
      : nearest_(1.5 * sigma),
        farthest_(7 * sigma),
        side_(static_cast<int>(std::ceil(farthest_))),
        across_(strength.cols / side_ + 1) {
    cells_.resize(static_cast<size_t>(across_) * static_cast<size_t>(strength.rows / side_ + 1));
    cv::Mat inner;
    cv::Mat outer;
    cv::GaussianBlur(strength, inner, {0, 0}, sigma);
    cv::GaussianBlur(strength, outer, {0, 0}, 1.6 * sigma);
    const cv::Mat answer = inner - outer;
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

/// Spots that lie in long lines along an axis.
std::vector<cv::Point2f> in_lines(const Spots& spots, int axis) {
  constexpr size_t kLeast = 8;
  std::vector<bool> seen(spots.centres().size(), false);
  std::vector<cv::Point2f> found;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i]) continue;
    const std::vector<int> line = line_from(spots, static_cast<int>(i), axis);
    if (line.size() < kLeast) continue;
    for (const int spot : line) {
      if (seen[static_cast<size_t>(spot)]) continue;
      seen[static_cast<size_t>(spot)] = true;
      found.push_back(spots.centres()[static_cast<size_t>(spot)]);
    }
  }
  return found;
}

/// What two opposite sides enclose along the axis across them, where both are there.
std::optional<cv::Range> between_sides(const std::vector<cv::Point2f>& spots, int axis,
                                       const cv::Size& size) {
  constexpr size_t kLeastSpots = 40;
  constexpr float kSide = 0.15F;      // Of the picture, the most that a side is wide.
  constexpr float kLeastSpan = 0.4F;  // Of the picture, that a side is long.
  constexpr double kMostBetween = 0.2;
  if (spots.size() < kLeastSpots) return std::nullopt;
  const auto across = [&](const cv::Point2f& p) { return axis == 0 ? p.y : p.x; };
  const auto along = [&](const cv::Point2f& p) { return axis == 0 ? p.x : p.y; };
  const auto depth = static_cast<float>(axis == 0 ? size.height : size.width);
  const auto length = static_cast<float>(axis == 0 ? size.width : size.height);
  std::vector<float> values;
  for (const cv::Point2f& p : spots) values.push_back(across(p));
  const auto low = static_cast<float>(quantile(values, 0.02)) + kSide * depth;
  const auto high = static_cast<float>(quantile(values, 0.98)) - kSide * depth;
  if (low >= high) return std::nullopt;
  std::array<std::vector<float>, 2> edges;
  std::array<std::vector<float>, 2> places;
  for (const cv::Point2f& p : spots) {
    if (across(p) > low && across(p) < high) continue;
    const size_t side = across(p) <= low ? 0 : 1;
    edges[side].push_back(across(p));
    places[side].push_back(along(p));
  }
  const auto outside = static_cast<double>(edges[0].size() + edges[1].size());
  if (outside < (1 - kMostBetween) * static_cast<double>(spots.size())) return std::nullopt;
  for (const std::vector<float>& side : places) {
    if (side.size() < kLeastSpots / 4) return std::nullopt;
    if (quantile(side, 0.98) - quantile(side, 0.02) < kLeastSpan * length) return std::nullopt;
  }
  return cv::Range(static_cast<int>(quantile(edges[0], 0.98)),
                   static_cast<int>(quantile(edges[1], 0.02)));
}

/// A frame of spots of about one size.
struct Frame {
  cv::Rect inside;
  size_t spots = 0;  ///< That were found in its lines.
};

std::optional<Frame> frame_of(const cv::Mat& strength, double sigma) {
  const Spots spots(strength, sigma);
  const std::vector<cv::Point2f> rows = in_lines(spots, 0);
  const auto down = between_sides(rows, 0, strength.size());
  if (!down) return std::nullopt;
  const std::vector<cv::Point2f> columns = in_lines(spots, 1);
  const auto across = between_sides(columns, 1, strength.size());
  if (!across) return std::nullopt;
  // From a spot's centre to its edge.
  const int edge = static_cast<int>(std::ceil(2 * sigma));
  const cv::Rect inside(across->start + edge, down->start + edge, across->size() - 2 * edge,
                        down->size() - 2 * edge);
  if (inside.width <= 0 || inside.height <= 0) return std::nullopt;
  return Frame{inside, rows.size() + columns.size()};
}

}  // namespace

std::optional<cv::Rect> find_spot_frame(const cv::Mat& strength) {
  constexpr std::array<double, 2> kSigmas = {1.6, 2.3};
  constexpr int kLargestScale = 4;
  std::optional<Frame> best;
  cv::Rect inside;
  cv::Mat reduced = strength;
  for (int scale = 1; scale <= kLargestScale; scale *= 2) {
    for (const double sigma : kSigmas) {
      const std::optional<Frame> frame = frame_of(reduced, sigma);
      if (!frame || (best && frame->spots <= best->spots)) continue;
      best = frame;
      inside = {frame->inside.x * scale, frame->inside.y * scale, frame->inside.width * scale,
                frame->inside.height * scale};
    }
    cv::resize(reduced, reduced, {}, 0.5, 0.5, cv::INTER_AREA);
    if (std::min(reduced.cols, reduced.rows) < 64) break;
  }
  if (!best) return std::nullopt;
  return inside & cv::Rect(cv::Point(), strength.size());
}

}  // namespace untiled
