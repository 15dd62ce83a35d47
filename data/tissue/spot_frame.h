// The printed frame of round spots that slides for spatial transcriptomics have around a capture
// area.
#pragma once

#include <opencv2/core.hpp>
#include <optional>

namespace untiled {

/// What such a frame encloses, in pixels, where there is one on all four sides. The frame is found
/// by its rows and columns: eight and more spots of one size in a straight line at one distance,
/// which nothing in tissue has. It lies along the picture's sides, up to some ten degrees turned.
/// `strength`: CV_32F, how far each pixel is from the background.
std::optional<cv::Rect> find_spot_frame(const cv::Mat& strength);

}  // namespace untiled
