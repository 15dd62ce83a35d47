// A picture in blocks, and what is known of each.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Statistics of the picture's blocks, one a pixel.
struct Blocks {
  int side = 8;
  cv::Mat mean;       ///< CV_32FC3
  cv::Mat deviation;  ///< CV_32F, mean of the channels'.
  cv::Mat grey;       ///< CV_32F, mean of the channels.
  cv::Mat spread;     ///< CV_32F, largest minus smallest channel.
  cv::Mat slope;      ///< CV_32F, from the mean of its neighbours.
  cv::Mat with_data;  ///< 0 and 255.
  int count = 0;      ///< With data.

  /// The blocks' means, CV_32FC3, as they are under light of another level (grey).
  cv::Mat at_level(float level) const;
};

/// The blocks of an 8-bit picture. `valid` is 0 and 1: a block has data where all of it is 1.
Blocks blocks_of(const cv::Mat& rgb, const cv::Mat& valid);

/// Largest over the channels.
cv::Mat channel_max(const cv::Mat& image);

/// Mean over the channels.
cv::Mat channel_mean(const cv::Mat& image);

/// Mean over the channels.
float channel_mean(const cv::Vec3f& colour);

/// The length of each pixel's three values.
cv::Mat channel_length(const cv::Mat& image);

/// The median of each channel over the blocks in `area`.
cv::Vec3f median_colour(const cv::Mat& mean, const cv::Mat& area);

}  // namespace untiled
