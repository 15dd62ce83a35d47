// The printed frame of round spots that slides for spatial transcriptomics have around a capture
// area.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// What such a frame encloses, 0 and 1; empty where there is none. The frame is found by its rows
/// and columns: eight and more spots of one size in a straight line at one distance, which nothing
/// in tissue has, on three of its sides or all. It lies along the picture's sides, up to some ten
/// degrees turned; rows of other frames may lie outside of it. `strength`: CV_32F, how far each
/// pixel is from the background; from `low` on something lies on the glass.
cv::Mat find_spot_frame(const cv::Mat& strength, double low);

}  // namespace untiled
