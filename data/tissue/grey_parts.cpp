#include "data/tissue/grey_parts.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data/tissue/mask_shapes.h"

namespace untiled {
namespace {

/// Sums over the surroundings of each pixel, of what lies in the mask.
cv::Mat sum_around(const cv::Mat& values, const cv::Mat& mask, double um) {
  constexpr double kSurroundingsUm = 40;
  const int side = 2 * static_cast<int>(std::lround(kSurroundingsUm / um)) + 1;
  cv::Mat inside = cv::Mat::zeros(values.size(), CV_32F);
  values.copyTo(inside, mask);
  cv::Mat sum;
  cv::boxFilter(inside, sum, CV_32F, {side, side}, {-1, -1}, false, cv::BORDER_REFLECT_101);
  return sum;
}

bool is_stained(const cv::Mat& mask, const cv::Mat& light, const cv::Mat& colour) {
  constexpr double kStained = 0.3;
  return cv::mean(colour, mask)[0] > kStained * cv::mean(light, mask)[0];
}

}  // namespace

cv::Mat grey_parts(const cv::Mat& mask, const GreyEvidence& evidence) {
  constexpr double kPart = 0.16;
  constexpr double kDarkest = 110;  // Of 240.
  constexpr double kLeastRadiusUm = 72;
  constexpr double kEdgeUm = 24;
  constexpr double kLeastRest = 0.3;  // Of the grey parts.
  const cv::Mat light = cv::abs(evidence.light);
  const cv::Mat around = sum_around(light, mask, evidence.um);
  const cv::Mat colour_around = sum_around(evidence.colour, mask, evidence.um);
  const cv::Mat pixels = sum_around(cv::Mat::ones(mask.size(), CV_32F), mask, evidence.um);
  const cv::Mat is_grey =
      ((colour_around < kPart * around) & (around < kDarkest * pixels)) / 255 & mask;
  cv::Mat grey = opened(is_grey, kLeastRadiusUm / evidence.um);
  grey = grown(grey, kEdgeUm / evidence.um) & mask & (evidence.colour < 2 * kPart * light) / 255;
  const cv::Mat rest = mask & (1 - grey);
  const bool is_lesser = cv::countNonZero(rest) > kLeastRest * cv::countNonZero(grey);
  if (!is_lesser || !is_stained(rest, light, evidence.colour))
    return cv::Mat::zeros(mask.size(), CV_8U);
  return grey;
}

}  // namespace untiled
