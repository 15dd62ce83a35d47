#include "data/tissue/spot_lines.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

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

SpotLines lines_along(const Spots& spots, int axis) {
  constexpr size_t kLeast = 8;
  std::vector<bool> seen(spots.centres().size(), false);
  SpotLines lines;
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

}  // namespace

SpotGrid find_spot_grid(const cv::Mat& strength, double sigma) {
  const Spots spots(strength, sigma);
  SpotGrid lines{lines_along(spots, 0), {}};
  if (!lines.rows.spots.empty()) lines.columns = lines_along(spots, 1);
  return lines;
}

}  // namespace untiled
