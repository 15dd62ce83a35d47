#include "data/tissue/ink.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/mask_shapes.h"

namespace untiled {
namespace {

constexpr double kReachUm = 48;  ///< From sure ink to a stroke's pale edge.
constexpr double kGapUm = 16;

/// One kind of ink: where it is sure, where it may go on, and how large a sure piece is.
struct Ink {
  cv::Mat sure;
  cv::Mat maybe;
  double least_radius_um;
  double least_area_um2;
};

/// Where a density is even, as ink's is and a stain's is not.
cv::Mat is_even(const cv::Mat& density, double um) {
  constexpr double kWindowUm = 56;
  constexpr double kMostVariation = 0.1;
  const int side = 2 * std::max(1, static_cast<int>(kWindowUm / um / 2)) + 1;
  cv::Mat mean;
  cv::Mat square;
  cv::blur(density, mean, {side, side});
  cv::blur(density.mul(density), square, {side, side});
  return square - mean.mul(mean) < kMostVariation * kMostVariation * mean.mul(mean);
}

std::array<Ink, 4> inks_of(const cv::Mat& density, double um) {
  std::vector<cv::Mat> c;
  cv::split(density, c);
  const cv::Mat& r = c[0];
  const cv::Mat& g = c[1];
  const cv::Mat& b = c[2];
  const cv::Mat most = cv::max(cv::max(r, g), b);
  const cv::Mat least = cv::min(cv::min(r, g), b);
  const cv::Mat spread = most - least;
  return {{
      // Blue and green: red light is absorbed most.
      {(r > 0.35) & (r > 1.2 * g), (r > 0.04) & (r > 1.1 * g), 16, 1e4},
      // Red: green and blue light, and hardly any red.
      {(g > 0.5) & (b > 0.6 * g) & (r < 0.16 * g), (g > 0.04) & (b > 0.5 * g) & (r < 0.25 * g), 16,
       1e4},
      // Orange and yellow: blue light, and no red; saffron's stain is as yellow, but never even.
      {(b > 0.4) & (g < 0.6 * b) & (r < 0.08 * b) & is_even(b, um),
       (b > 0.1) & (g < 0.65 * b) & (r < 0.12 * b), 16, 1e4},
      // Black.
      {(least > 0.6) & (spread < 0.22 * most), (spread < 0.35 * most) | (least > 0.5), 8, 4e3},
  }};
}

}  // namespace

cv::Mat find_ink(const cv::Mat& density, double um) {
  cv::Mat ink = cv::Mat::zeros(density.size(), CV_8U);
  const cv::Mat reach = disk(kReachUm / um);
  for (const Ink& kind : inks_of(density, um)) {
    cv::Mat sure;
    cv::morphologyEx(kind.sure / 255, sure, cv::MORPH_OPEN, disk(kind.least_radius_um / um));
    drop_small_objects(sure, kind.least_area_um2 / (um * um));
    if (cv::countNonZero(sure) == 0) continue;
    cv::Mat near;
    cv::dilate(sure, near, reach);
    ink |= sure | (near & (kind.maybe / 255));
  }
  cv::morphologyEx(ink, ink, cv::MORPH_CLOSE, disk(kGapUm / um));
  return ink;
}

}  // namespace untiled
