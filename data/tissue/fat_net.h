// Fat whose walls are too faint for a threshold, in a picture of a slide.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// What is known of the picture, pixel by pixel.
struct NetEvidence {
  const cv::Mat& total;  ///< CV_32F, distance from the background.
  const cv::Mat& light;  ///< Its parts, as in robust.h.
  const cv::Mat& colour;
  const cv::Mat& above;   ///< 0 and 1, where the total is above the threshold.
  const cv::Mat& seen;    ///< 0 and 1, where the background was seen; empty: nowhere.
  const cv::Mat& except;  ///< 0 and 1, where no wall is: ink, padding.
  double um = 1;          ///< A pixel's side.
};

/// Nets of walls, filled: many empty cells beside each other, whose rims have a colour and are
/// lines, which stand out from both of their sides. Of faint walls a threshold finds no more than
/// the crossings.
cv::Mat find_fat_net(const NetEvidence& evidence);

}  // namespace untiled
