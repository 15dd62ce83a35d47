// Order statistics of matrices.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace untiled {

/// The values of a CV_32F matrix where `mask` is not 0; every `step`-th of them.
std::vector<float> values_where(const cv::Mat& values, const cv::Mat& mask, int step = 1);

/// With linear interpolation between the two nearest values; 0 of none.
double quantile(std::vector<float> values, double part);

}  // namespace untiled
