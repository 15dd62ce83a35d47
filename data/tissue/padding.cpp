#include "data/tissue/padding.h"

#include <opencv2/imgproc.hpp>

#include "data/tissue/mask_shapes.h"

namespace untiled {
namespace {

constexpr int kExact = 1;    ///< Grey levels.
constexpr int kRinging = 8;  ///< Grey levels that JPEG adds, and pixels that it reaches.
constexpr int kLeastSide = 9;
constexpr int kLeastPixels = 200;
constexpr int kStraightRun = 17;  ///< Pixels.

cv::Mat within(const cv::Mat& rgb, int value, int distance) {
  cv::Mat inside;
  cv::inRange(rgb, cv::Scalar::all(value - distance), cv::Scalar::all(value + distance), inside);
  return inside / 255;
}

/// The part of the border that lies on straight runs along the axes.
double straightness_of(const cv::Mat& area) {
  const cv::Range all = cv::Range::all();
  const cv::Mat across = area.rowRange(1, area.rows) != area.rowRange(0, area.rows - 1);
  const cv::Mat down = area(all, {1, area.cols}) != area(all, {0, area.cols - 1});
  cv::Mat straight_across;
  cv::Mat straight_down;
  cv::morphologyEx(across, straight_across, cv::MORPH_OPEN, cv::Mat::ones(1, kStraightRun, CV_8U));
  cv::morphologyEx(down, straight_down, cv::MORPH_OPEN, cv::Mat::ones(kStraightRun, 1, CV_8U));
  const double border = cv::countNonZero(across) + cv::countNonZero(down);
  const double straight = cv::countNonZero(straight_across) + cv::countNonZero(straight_down);
  return border > 0 ? straight / border : 1.0;
}

Extreme find_extreme(const cv::Mat& rgb, int value) {
  cv::Mat core = within(rgb, value, kExact);
  cv::morphologyEx(core, core, cv::MORPH_OPEN, cv::Mat::ones(kLeastSide, kLeastSide, CV_8U));
  drop_small_objects(core, kLeastPixels);
  Extreme found;
  if (cv::countNonZero(core) > 0) found.straightness = straightness_of(core);
  cv::Mat reach;
  cv::dilate(core, reach, cv::Mat::ones(2 * kRinging + 1, 2 * kRinging + 1, CV_8U));
  found.area = core | (reach & within(rgb, value, kRinging));
  return found;
}

}  // namespace

Padding find_padding(const cv::Mat& rgb, const cv::Mat& missing) {
  Padding padding{find_extreme(rgb, 0), find_extreme(rgb, 255), {}, {}};
  padding.area = padding.black.area | padding.white.area | missing;
  cv::dilate(padding.area, padding.zone, cv::Mat::ones(5, 5, CV_8U));
  return padding;
}

}  // namespace untiled
