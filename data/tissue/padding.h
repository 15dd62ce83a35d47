// Parts of a picture that no scanner saw.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Areas of one extreme value.
struct Extreme {
  cv::Mat area;             ///< 0 and 1.
  double straightness = 1;  ///< Of its border: 1 for rectangles, near 0 for overexposed glass.
};

struct Padding {
  Extreme black;
  Extreme white;
  cv::Mat area;  ///< Both, what was filled with another colour, and pixels without data.
  cv::Mat zone;  ///< The same and two pixels around it, where values run over.
};

/// Large areas of 0 or 255 (within 1), and of exactly any one colour where their borders are
/// straight and end with a step; with the ringing of JPEG around them. `rgb` is 8-bit, `missing` 0
/// and 1.
Padding find_padding(const cv::Mat& rgb, const cv::Mat& missing);

}  // namespace untiled
