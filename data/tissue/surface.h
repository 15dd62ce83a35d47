// The colour of a background everywhere, from the blocks that show it.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Darker than this no background is bright.
inline constexpr float kDarkestBright = 72;

/// A polynomial of the place, of order 0 to 2 as the accepted blocks spread, in each channel.
/// `mean` is CV_32FC3, `accepted` 0 and 255; `colour` is about what the accepted blocks have.
cv::Mat fit_polynomial(const cv::Mat& mean, const cv::Mat& accepted, const cv::Vec3f& colour);

/// The polynomial and, smoothed over a tenth of the picture, what it leaves over; near accepted
/// blocks also what both leave, for the dark rim of a photograph is steep.
cv::Mat fit_surface(const cv::Mat& mean, const cv::Mat& accepted, const cv::Vec3f& colour);

}  // namespace untiled
