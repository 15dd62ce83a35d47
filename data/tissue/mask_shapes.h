// Operations on the shapes of a binary mask: matrices of 0 and 1, 8 bits.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Fills holes of fewer pixels. Holes are 8-connected, as the foreground is 4-connected; what
/// touches the edge is no hole.
void fill_small_holes(cv::Mat& mask, double least_pixels);

/// Clears pieces (4-connected) of fewer pixels.
void drop_small_objects(cv::Mat& mask, double least_pixels);

/// A filled disk as a structuring element, its radius rounded to at least 1 pixel.
cv::Mat disk(double radius);

/// Dilation by a disk of any radius.
cv::Mat grown(const cv::Mat& mask, double radius);

/// Opening by a disk of any radius; what lies beyond the edge counts as inside.
cv::Mat opened(const cv::Mat& mask, double radius);

/// Closing by a disk of any radius; beyond the edge goes on what is at it.
cv::Mat closed(const cv::Mat& mask, double radius);

/// A mask at half its size: where most of four pixels are set, or any.
cv::Mat halved(const cv::Mat& mask, bool any);

/// The pieces (8-connected) of `weak` that hold a pixel of `strong`.
cv::Mat pieces_with(const cv::Mat& weak, const cv::Mat& strong);

}  // namespace untiled
