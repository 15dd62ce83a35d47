#include "data/tissue/padding.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

constexpr int kExact = 1;    ///< Grey levels.
constexpr int kRinging = 8;  ///< Grey levels that JPEG adds, and pixels that it reaches.
constexpr int kLeastSide = 9;
constexpr int kLeastPixels = 200;
constexpr int kStraightRun = 17;  ///< Pixels.

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

/// Without what is small or narrow.
cv::Mat wide_parts(cv::Mat inside) {
  cv::morphologyEx(inside, inside, cv::MORPH_OPEN, cv::Mat::ones(kLeastSide, kLeastSide, CV_8U));
  drop_small_objects(inside, kLeastPixels);
  return inside;
}

cv::Mat with_ringing(const cv::Mat& core, const cv::Mat& near) {
  cv::Mat reach;
  cv::dilate(core, reach, cv::Mat::ones(2 * kRinging + 1, 2 * kRinging + 1, CV_8U));
  return core | (reach & near);
}

cv::Mat within(const cv::Mat& rgb, const cv::Vec3i& colour, int distance) {
  cv::Mat inside;
  cv::inRange(rgb, colour - cv::Vec3i::all(distance), colour + cv::Vec3i::all(distance), inside);
  return inside / 255;
}

Extreme find_extreme(const cv::Mat& rgb, int value) {
  const cv::Vec3i colour = cv::Vec3i::all(value);
  const cv::Mat core = wide_parts(within(rgb, colour, kExact));
  Extreme found{core, 1};
  if (cv::countNonZero(core) == 0) return found;
  found.straightness = straightness_of(core);
  found.area = with_ringing(core, within(rgb, colour, kRinging));
  return found;
}

bool is_alike(const cv::Vec3i& a, const cv::Vec3i& b) {
  constexpr int kAlike = 2;  // Grey levels.
  return cv::norm(a - b, cv::NORM_INF) <= kAlike;
}

/// Without those that have one like them: glass from which JPEG took the noise, which changes
/// slowly.
std::vector<cv::Vec3i> without_alike(const std::vector<cv::Vec3i>& colours) {
  std::vector<cv::Vec3i> alone;
  for (const cv::Vec3i& colour : colours) {
    const auto alike = std::count_if(colours.begin(), colours.end(),
                                     [&](const cv::Vec3i& c) { return is_alike(c, colour); });
    if (alike == 1) alone.push_back(colour);
  }
  return alone;
}

/// The colours of many pixels that are those of their neighbours too, the most frequent first.
std::vector<cv::Vec3i> constant_colours(const cv::Mat& rgb) {
  constexpr double kLeastPart = 0.01;
  constexpr int kStep = 4;
  std::unordered_map<int, int> counts;
  for (int row = 0; row + 1 < rgb.rows; row += kStep) {
    const auto* here = rgb.ptr<cv::Vec3b>(row);
    const auto* below = rgb.ptr<cv::Vec3b>(row + 1);
    for (int col = 0; col + 1 < rgb.cols; col += kStep) {
      const cv::Vec3b& colour = here[col];
      if (colour != here[col + 1] || colour != below[col] || colour != below[col + 1]) continue;
      ++counts[colour[0] << 16 | colour[1] << 8 | colour[2]];
    }
  }
  const double least = kLeastPart * static_cast<double>(rgb.total()) / (kStep * kStep);
  std::vector<std::pair<int, int>> frequent;
  for (const auto& [colour, count] : counts) {
    if (count >= least) frequent.emplace_back(-count, colour);
  }
  std::sort(frequent.begin(), frequent.end());
  std::vector<cv::Vec3i> colours;
  for (const auto& [count, colour] : frequent) {
    colours.emplace_back(colour >> 16, colour >> 8 & 255, colour & 255);
  }
  return colours;
}

/// How far from a colour the picture is just outside of an area, beyond what JPEG adds.
double step_around(const cv::Mat& rgb, const cv::Mat& area, const cv::Vec3i& colour) {
  cv::Mat far;
  cv::Mat near;
  const int reach = 2 * kRinging + 1;
  cv::dilate(area, far, cv::Mat::ones(reach + 4, reach + 4, CV_8U));
  cv::dilate(area, near, cv::Mat::ones(reach, reach, CV_8U));
  const cv::Mat outside = far & (1 - near);
  if (cv::countNonZero(outside) == 0) return 0;
  cv::Mat distance;
  cv::absdiff(rgb, cv::Scalar(colour[0], colour[1], colour[2]), distance);
  std::vector<cv::Mat> parts;
  cv::split(distance, parts);
  cv::Mat most = cv::max(cv::max(parts[0], parts[1]), parts[2]);
  most.convertTo(most, CV_32F);
  return quantile(values_where(most, outside), 0.5);
}

/// Whether some of what is well outside of an area may be glass: light, nearly without
/// colour and smooth. Where JPEG took all noise from the glass, that is constant up to the blocks
/// that tissue lies in, and there is no other.
bool has_other_glass(const cv::Mat& rgb, const cv::Mat& area) {
  constexpr int kBlock = 8;  // Of JPEG, pixels.
  constexpr double kLeastPart = 0.03;
  constexpr double kLight = 140;
  constexpr double kMostSpread = 40;
  constexpr double kMostDeviation = 5;
  cv::Mat beside;
  cv::dilate(area, beside, cv::Mat::ones(2 * kBlock + 1, 2 * kBlock + 1, CV_8U));
  cv::Mat pixels;
  rgb.convertTo(pixels, CV_32FC3);
  cv::Mat mean;
  cv::Mat mean_square;
  cv::blur(pixels, mean, {kBlock, kBlock});
  cv::blur(pixels.mul(pixels), mean_square, {kBlock, kBlock});
  std::vector<cv::Mat> means;
  std::vector<cv::Mat> variances;
  cv::split(mean, means);
  cv::split(mean_square - mean.mul(mean), variances);
  const cv::Mat least = cv::min(cv::min(means[0], means[1]), means[2]);
  const cv::Mat most = cv::max(cv::max(means[0], means[1]), means[2]);
  const cv::Mat variance = cv::max(cv::max(variances[0], variances[1]), variances[2]);
  const cv::Mat glass = (least > kLight) & (most - least < kMostSpread) &
                        (variance < kMostDeviation * kMostDeviation) & (beside == 0);
  return cv::countNonZero(glass) > kLeastPart * cv::countNonZero(area);
}

/// Areas of exactly one colour that end along straight lines and with a step, beside glass of
/// another one.
cv::Mat find_filled(const cv::Mat& rgb) {
  constexpr double kStraight = 0.75;
  constexpr double kLeastStep = 3;
  constexpr size_t kMostColours = 3;
  cv::Mat filled = cv::Mat::zeros(rgb.size(), CV_8U);
  std::vector<cv::Vec3i> colours = without_alike(constant_colours(rgb));
  colours.resize(std::min(colours.size(), kMostColours));
  for (const cv::Vec3i& colour : colours) {
    const cv::Mat core = wide_parts(within(rgb, colour, 0));
    if (cv::countNonZero(core) == 0 || straightness_of(core) < kStraight) continue;
    const cv::Mat area = with_ringing(core, within(rgb, colour, kRinging));
    if (step_around(rgb, area, colour) >= kLeastStep && has_other_glass(rgb, area)) filled |= area;
  }
  return filled;
}

}  // namespace

Padding find_padding(const cv::Mat& rgb, const cv::Mat& missing) {
  Padding padding{find_extreme(rgb, 0), find_extreme(rgb, 255), {}, {}};
  padding.area = padding.black.area | padding.white.area | find_filled(rgb) | missing;
  cv::dilate(padding.area, padding.zone, cv::Mat::ones(5, 5, CV_8U));
  return padding;
}

}  // namespace untiled
