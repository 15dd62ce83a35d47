#include "data/tissue/stained_blocks.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/quantile.h"
#include "data/tissue/surface.h"

namespace untiled {
namespace {

const cv::Mat& square(int side) {
  static const cv::Mat kThree = cv::Mat::ones(3, 3, CV_8U);
  static const cv::Mat kFive = cv::Mat::ones(5, 5, CV_8U);
  return side == 3 ? kThree : kFive;
}

/// Of each block its distance in colour from the glass, grey levels, and what glass itself has.
struct ColourStep {
  cv::Mat distance;
  double limit = 0;
};

/// The colour of glass is that of its brightest blocks, and changes slowly from place to place.
ColourStep step_from_glass(const Blocks& b, const cv::Mat& glass) {
  constexpr double kBrightPart = 0.4;
  constexpr double kLeastLimit = 1.2;
  constexpr double kOfUsual = 3;
  constexpr int kRounds = 4;
  cv::Mat inliers = glass & (b.grey >= quantile(values_where(b.grey, glass), 1 - kBrightPart));
  const cv::Vec3f colour = median_colour(b.mean, inliers);
  const cv::Mat levelled = b.at_level(channel_mean(colour));
  // In deep shade a grey level of rounding is much colour.
  const cv::Mat light = cv::min(b.grey / channel_mean(colour), 1.0);
  inliers &= channel_length(levelled - cv::Scalar(colour[0], colour[1], colour[2])) < 2 * kOfUsual;
  ColourStep step;
  for (int round = 0; round < kRounds && cv::countNonZero(inliers) >= 3; ++round) {
    const cv::Mat fitted = fit_polynomial(levelled, inliers, colour);
    step.distance = channel_length(levelled - fitted).mul(light);
    const double usual = quantile(values_where(step.distance, inliers), 0.75);
    step.limit = std::max(kLeastLimit, kOfUsual * usual);
    inliers = glass & (step.distance < step.limit);
  }
  return step;
}

/// What a piece has at its edge, and what lies just outside of it.
struct Edge {
  double inside_distance = 0;
  double outside_distance = 0;
  double inside_grey = 0;
  double outside_grey = 0;
  int outside_count = 0;
};

Edge edge_of(const Blocks& b, const cv::Mat& distance, const cv::Mat& piece, const cv::Mat& glass) {
  cv::Mat core;
  cv::Mat near;
  cv::Mat far;
  cv::erode(piece, core, square(3));
  cv::dilate(piece, near, square(3));
  cv::dilate(piece, far, square(5));
  const cv::Mat inside = piece & ~core;
  const cv::Mat outside = far & ~near & glass;
  return {cv::mean(distance, inside)[0], cv::mean(distance, outside)[0],
          cv::mean(b.grey, inside)[0], cv::mean(b.grey, outside)[0], cv::countNonZero(outside)};
}

bool is_stain(const Edge& edge) {
  constexpr double kLeastStep = 0.9;
  constexpr double kLeastDarker = 0.8;
  constexpr int kLeastOutside = 3;
  return edge.outside_count >= kLeastOutside &&
         edge.inside_distance - edge.outside_distance > kLeastStep &&
         edge.outside_grey - edge.inside_grey > kLeastDarker;
}

}  // namespace

cv::Mat stained_blocks(const Blocks& b, const cv::Mat& glass) {
  constexpr int kLeastBlocks = 12;
  cv::Mat stained = cv::Mat::zeros(glass.size(), CV_8U);
  const ColourStep step = step_from_glass(b, glass);
  if (step.distance.empty()) return stained;
  const cv::Mat other = b.with_data & (step.distance > step.limit);
  cv::Mat coherent;
  cv::morphologyEx(other, coherent, cv::MORPH_OPEN, square(3));
  cv::morphologyEx(coherent, coherent, cv::MORPH_CLOSE, square(5));
  const cv::Mat rest = glass & ~coherent;
  cv::Mat labels;
  const int count = cv::connectedComponents(coherent, labels, 8, CV_32S);
  for (int i = 1; i < count; ++i) {
    const cv::Mat piece = labels == i;
    if (cv::countNonZero(piece) < kLeastBlocks || cv::countNonZero(piece & glass) == 0) continue;
    if (is_stain(edge_of(b, step.distance, piece, rest))) stained |= piece;
  }
  return stained;
}

}  // namespace untiled
