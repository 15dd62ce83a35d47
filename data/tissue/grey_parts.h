// Parts of a mask that have no colour where the rest has some.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// What is known of the picture, pixel by pixel as the mask.
struct GreyEvidence {
  const cv::Mat& light;   ///< CV_32F, signed difference in brightness from the background.
  const cv::Mat& colour;  ///< CV_32F, length of the difference in colour.
  double um = 1;          ///< Micrometres per pixel.
};

/// Wide parts without colour in a mask whose rest is stained: air that crept in below the cover
/// slip, dirt and mould. What is so dark that colours are lost is none of them. Masks are of 0 and
/// 1.
cv::Mat grey_parts(const cv::Mat& mask, const GreyEvidence& evidence);

}  // namespace untiled
