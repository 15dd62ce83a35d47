// How far the pixels of a picture are from its background.
#pragma once

#include <opencv2/core.hpp>

#include "data/tissue/reference.h"

namespace untiled {

/// How far pixels are from the background.
struct Strength {
  cv::Mat light;    ///< CV_32F, signed: negative is darker.
  cv::Mat colour;   ///< CV_32F, length of the difference in colour.
  cv::Mat total;    ///< CV_32F
  cv::Mat density;  ///< CV_32FC3, optical density; empty over a dark background.
};

/// Of an 8-bit picture; `seen`: where the background was, 0 and 1, empty where none was found.
Strength strength_of(const cv::Mat& rgb, const Reference& reference, const cv::Mat& seen,
                     double um);

/// Over a dark background, what glows around something bright is a halo: the total becomes 0.
cv::Mat without_glow(const Strength& strength, double low, double um);

/// Strengths below half of those around are halos: the total becomes 0. By brightness where there
/// is some.
cv::Mat without_halos(const Strength& strength, double low, double um);

/// Where a pixel is darker or brighter than the background without a colour of its own: 0 and 1.
cv::Mat is_colourless(const Strength& strength, double part = 0.15);

}  // namespace untiled
