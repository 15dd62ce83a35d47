#include "data/tissue/strength.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

constexpr double kHalfHeight = 0.5;
constexpr double kSurroundingsUm = 24;
constexpr double kBlurUm = 9.6;

/// The strongest noise of colour that is taken for what it is.
void limit_colour_noise(cv::Mat& colour, const cv::Mat& seen) {
  constexpr double kMost = 2.5;
  const double noise = quantile(values_where(colour, seen, 7), 0.95);
  colour *= std::min(1.0, kMost / std::max(noise, 0.1));
}

/// The mean strength around each pixel, weighted by itself, of what is above the threshold.
cv::Mat surroundings(const cv::Mat& strength, double um) {
  const double sigma = std::max(1.0, kSurroundingsUm / um);
  cv::Mat mean;
  cv::Mat square;
  cv::GaussianBlur(strength, mean, {0, 0}, sigma);
  cv::GaussianBlur(strength.mul(strength), square, {0, 0}, sigma);
  return square / cv::max(mean, 1e-3);
}

/// The same over a dark background: the geometric mean, for few bright nuclei do not make the dim
/// stroma around them a halo.
cv::Mat typical_surroundings(const cv::Mat& strength, const cv::Mat& above, double um) {
  const double sigma = std::max(1.0, kSurroundingsUm / um);
  cv::Mat logarithm;
  cv::log(cv::max(strength, 1e-3), logarithm);
  cv::Mat weight;
  above.convertTo(weight, CV_32F, 1 / 255.0);
  cv::Mat sum;
  cv::Mat weights;
  cv::GaussianBlur(logarithm.mul(weight), sum, {0, 0}, sigma);
  cv::GaussianBlur(weight, weights, {0, 0}, sigma);
  cv::Mat mean;
  cv::exp(sum / cv::max(weights, 1e-3), mean);
  return mean;
}

}  // namespace

Strength strength_of(const cv::Mat& rgb, const Reference& reference, const cv::Mat& seen,
                     double um) {
  constexpr float kDarkestGlass = 20;
  cv::Mat smooth;
  rgb.convertTo(smooth, CV_32FC3);
  cv::GaussianBlur(smooth, smooth, {0, 0}, std::max(0.6, kBlurUm / um));
  Strength s;
  cv::Mat difference;
  if (reference.dark) {
    difference = smooth - reference.colour;
  } else {
    const cv::Mat glass = cv::max(reference.colour, cv::Scalar::all(kDarkestGlass));
    const cv::Mat transmitted = smooth / glass;
    difference = transmitted * kGlass - cv::Scalar::all(kGlass);
    cv::Mat clipped = cv::min(cv::max(transmitted, cv::Scalar::all(0.004)), cv::Scalar::all(1.2));
    cv::log(clipped, clipped);
    s.density = clipped * (-1 / std::log(10.0));
  }
  s.light = channel_mean(difference);
  cv::Mat greys;
  cv::merge(std::vector<cv::Mat>(3, s.light), greys);
  difference -= greys;
  s.colour = channel_length(difference);
  if (!seen.empty()) limit_colour_noise(s.colour, seen);
  // What is brighter than the glass is none of the light that tissue lets through.
  if (!reference.dark) s.light = cv::min(s.light, 0.0);
  cv::magnitude(s.light, s.colour, s.total);
  if (reference.dark) {
    const cv::Mat half = s.total * 0.5;
    half.copyTo(s.total, s.light < 0);
  }
  return s;
}

cv::Mat without_glow(const Strength& s, double low, double um) {
  constexpr double kPart = 0.35;
  const cv::Mat above = s.total > low;
  const cv::Mat keep = above & (s.total > kPart * typical_surroundings(s.total, above, um));
  cv::Mat kept = cv::Mat::zeros(s.total.size(), CV_32F);
  s.total.copyTo(kept, keep);
  return kept;
}

cv::Mat without_halos(const Strength& s, double low, double um) {
  cv::Mat above = s.total > low;
  cv::Mat total = cv::Mat::zeros(s.total.size(), CV_32F);
  cv::Mat light = total.clone();
  s.total.copyTo(total, above);
  cv::Mat(cv::abs(s.light)).copyTo(light, above);
  const cv::Mat light_around = surroundings(light, um);
  const cv::Mat by_light = light > kHalfHeight * light_around;
  cv::Mat keep = s.total > kHalfHeight * surroundings(total, um);
  by_light.copyTo(keep, light_around > 2 * low);
  cv::Mat kept = cv::Mat::zeros(s.total.size(), CV_32F);
  s.total.copyTo(kept, keep);
  return kept;
}

cv::Mat is_colourless(const Strength& s, double part) {
  constexpr double kRounding = 1.5;
  return (s.colour < part * cv::abs(s.light) + kRounding) / 255;
}

}  // namespace untiled
