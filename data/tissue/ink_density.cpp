#include "data/tissue/ink_density.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

cv::Mat variation_of(const cv::Mat& density, double um) {
  constexpr double kWindowUm = 44;
  const int side = 2 * std::max(1, static_cast<int>(kWindowUm / um / 2)) + 1;
  cv::Mat mean;
  cv::Mat square;
  cv::blur(density, mean, {side, side});
  cv::blur(density.mul(density), square, {side, side});
  cv::Mat variance;
  cv::transform(square - mean.mul(mean), variance, cv::Matx13f(1, 1, 1));
  cv::sqrt(cv::max(variance, 0.0), variance);
  return variance / cv::max(channel_length(mean), 1e-3);
}

/// Whether there is mostly glass around a piece, in its box with a margin of the reach.
bool is_on_glass(const cv::Mat& piece, const cv::Mat& bare, double um) {
  constexpr double kOnGlass = 0.65;
  const cv::Mat rim = grown(piece, kReachUm / um + 2) & (1 - grown(piece, kReachUm / um));
  return share(bare, rim) > kOnGlass;
}

}  // namespace

InkDensities densities_of(const cv::Mat& density, double um) {
  std::vector<cv::Mat> c;
  cv::split(density, c);
  InkDensities d{c[0],
                 c[1],
                 c[2],
                 cv::max(cv::max(c[0], c[1]), c[2]),
                 cv::min(cv::min(c[0], c[1]), c[2]),
                 variation_of(density, um),
                 0};
  constexpr int kLeastInner = 200;
  constexpr double kUsual = 0.04;
  const cv::Mat matter = (d.most > kMatter / 2) / 255;
  const cv::Mat inner = 1 - grown(1 - matter, kEdgeUm / um);
  d.typical = cv::countNonZero(inner) > kLeastInner
                  ? quantile(values_where(d.variation, inner, 3), 0.75)
                  : kUsual;
  return d;
}

InkGround ground_of(const InkDensities& d) {
  constexpr double kBare = 0.06;
  return {(d.most > kMatter) / 255, (d.most < kBare) / 255};
}

cv::Vec3f mean_of(const cv::Mat& density, const cv::Mat& mask) {
  const cv::Scalar mean = cv::mean(density, mask);
  return {static_cast<float>(mean[0]), static_cast<float>(mean[1]), static_cast<float>(mean[2])};
}

cv::Mat of_colour(const cv::Mat& density, const cv::Vec3f& colour, double cosine) {
  const cv::Vec3f unit = colour / static_cast<float>(cv::norm(colour));
  cv::Mat along;
  cv::transform(density, along, cv::Matx13f(unit[0], unit[1], unit[2]));
  return (along > cosine * channel_length(density)) & (along > 0.04);
}

double share(const cv::Mat& part, const cv::Mat& whole) {
  return cv::countNonZero(part & whole) / std::max(1.0, double(cv::countNonZero(whole)));
}

cv::Mat near_to(const cv::Mat& sure, const cv::Mat& maybe, double um) {
  cv::Mat near;
  cv::dilate(sure, near, disk(kReachUm / um));
  return sure | (near & (maybe / 255));
}

cv::Mat thin_parts(const cv::Mat& matter, double radius) {
  return matter & (1 - opened(matter, radius));
}

cv::Rect wider_box(const cv::Mat& stats, int piece, int margin, const cv::Size& size) {
  const cv::Rect box(stats.at<int>(piece, cv::CC_STAT_LEFT) - margin,
                     stats.at<int>(piece, cv::CC_STAT_TOP) - margin,
                     stats.at<int>(piece, cv::CC_STAT_WIDTH) + 2 * margin,
                     stats.at<int>(piece, cv::CC_STAT_HEIGHT) + 2 * margin);
  return box & cv::Rect(cv::Point(), size);
}

cv::Mat strokes_among(const cv::Mat& thin, const cv::Mat& colour, const cv::Mat& bare, double um,
                      double least_pixels) {
  constexpr double kMostly = 0.8;
  cv::Mat found = cv::Mat::zeros(thin.size(), CV_8U);
  if (cv::countNonZero(thin & colour) == 0) return found;
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(thin, labels, stats, centroids, 8, CV_32S);
  std::vector<int> coloured(static_cast<size_t>(count), 0);
  for (int row = 0; row < labels.rows; ++row) {
    const int* label = labels.ptr<int>(row);
    const auto* is_coloured = colour.ptr<uint8_t>(row);
    for (int col = 0; col < labels.cols; ++col) {
      if (is_coloured[col] != 0) ++coloured[static_cast<size_t>(label[col])];
    }
  }
  for (int i = 1; i < count; ++i) {
    const int pixels = stats.at<int>(i, cv::CC_STAT_AREA);
    if (pixels < least_pixels || coloured[static_cast<size_t>(i)] <= kMostly * pixels) continue;
    const cv::Rect box = wider_box(stats, i, static_cast<int>(kReachUm / um) + 3, thin.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    if (is_on_glass(piece, bare(box), um)) found(box) |= piece;
  }
  return found;
}

}  // namespace untiled
