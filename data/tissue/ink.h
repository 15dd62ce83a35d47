// Pen marks on a slide.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Blue and green, red, and black ink, 0 and 1: grown from sure pieces into the strokes' pale
/// edges. `density` is CV_32FC3, the optical density over the glass in red, green and blue; `um` a
/// pixel's side. Haematoxylin, eosin and DAB absorb green as much as red, or more.
cv::Mat find_ink(const cv::Mat& density, double um);

}  // namespace untiled
