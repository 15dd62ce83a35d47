#include "data/tissue/blocks.h"

#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// The variance that an even slope has within a block, of slopes as uneven light has them.
cv::Mat variance_of_slope(const cv::Mat& mean) {
  constexpr float kSteepest = 16;  // Grey levels a block: edges of tissue are steeper.
  cv::Mat across;
  cv::Mat down;
  cv::filter2D(mean, across, CV_32F, cv::Matx13f(-0.5F, 0, 0.5F), {-1, -1}, 0,
               cv::BORDER_REPLICATE);
  cv::filter2D(mean, down, CV_32F, cv::Matx31f(-0.5F, 0, 0.5F), {-1, -1}, 0, cv::BORDER_REPLICATE);
  cv::Mat squares = across.mul(across) + down.mul(down);
  squares.setTo(0, channel_max(squares) > kSteepest * kSteepest);
  return squares / 12;
}

}  // namespace

cv::Mat channel_max(const cv::Mat& image) {
  std::vector<cv::Mat> c;
  cv::split(image, c);
  return cv::max(cv::max(c[0], c[1]), c[2]);
}

cv::Mat channel_mean(const cv::Mat& image) {
  cv::Mat mean;
  cv::transform(image, mean, cv::Matx13f(1 / 3.0F, 1 / 3.0F, 1 / 3.0F));
  return mean;
}

float channel_mean(const cv::Vec3f& colour) { return (colour[0] + colour[1] + colour[2]) / 3; }

cv::Mat channel_length(const cv::Mat& image) {
  cv::Mat length;
  cv::transform(image.mul(image), length, cv::Matx13f(1, 1, 1));
  cv::sqrt(length, length);
  return length;
}

cv::Vec3f median_colour(const cv::Mat& mean, const cv::Mat& area) {
  cv::Vec3f colour;
  for (int i = 0; i < 3; ++i) {
    cv::Mat channel;
    cv::extractChannel(mean, channel, i);
    colour[i] = static_cast<float>(quantile(values_where(channel, area), 0.5));
  }
  return colour;
}

cv::Mat Blocks::at_level(float level) const {
  cv::Mat shade;
  cv::merge(std::vector<cv::Mat>(3, cv::max(grey, 1.0) / level), shade);
  return mean / shade;
}

Blocks blocks_of(const cv::Mat& rgb, const cv::Mat& valid) {
  constexpr int kSmallPicture = 160'000;
  Blocks b;
  b.side = rgb.rows * rgb.cols >= kSmallPicture ? 8 : 4;
  const cv::Size size(rgb.cols / b.side, rgb.rows / b.side);
  const cv::Rect whole(0, 0, size.width * b.side, size.height * b.side);
  if (size.empty()) return b;
  cv::Mat picture;
  rgb(whole).convertTo(picture, CV_32FC3);
  cv::Mat square;
  cv::resize(picture, b.mean, size, 0, 0, cv::INTER_AREA);
  cv::resize(picture.mul(picture), square, size, 0, 0, cv::INTER_AREA);
  // Less than a slope has is no slope either.
  cv::Mat variance = cv::abs(square - b.mean.mul(b.mean) - variance_of_slope(b.mean));
  cv::sqrt(variance, variance);
  b.deviation = channel_mean(variance);
  b.grey = channel_mean(b.mean);
  b.spread = channel_max(b.mean) + channel_max(-b.mean);
  cv::Mat around;
  cv::blur(b.mean, around, {3, 3});
  b.slope = channel_max(cv::abs(b.mean - around));
  cv::Mat part;
  valid(whole).convertTo(part, CV_32F);
  cv::resize(part, part, size, 0, 0, cv::INTER_AREA);
  b.with_data = part > 0.999;
  b.count = cv::countNonZero(b.with_data);
  return b;
}

}  // namespace untiled
