// The background's colour at every pixel of a picture.
#pragma once

#include <opencv2/core.hpp>
#include <optional>

#include "data/tissue/background.h"
#include "data/tissue/padding.h"

namespace untiled {

/// Where glass is bright, strengths are of glass at this grey level.
inline constexpr float kGlass = 240;

/// The background at every pixel, and where it was seen.
struct Reference {
  cv::Mat colour;  ///< CV_32FC3
  cv::Mat seen;    ///< 0 and 1; empty where none was found.
  bool dark = false;
};

/// A coloured "glass" must be large, smooth and the brightest part, else it is tissue.
bool is_believable(const Background& background);

/// The background that was found, or where it is weak or none: overexposed glass, a clipped dark
/// background, or what is usual. `rgb` is 8-bit, `valid` 0 and 1.
Reference choose_reference(const cv::Mat& rgb, const Padding& padding, const cv::Mat& valid,
                           const std::optional<Background>& background);

}  // namespace untiled
