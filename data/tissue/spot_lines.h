// Straight lines of round spots in a picture.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace untiled {

/// What lies in long lines along an axis.
struct SpotLines {
  std::vector<cv::Point2f> spots;
  std::vector<float> slopes;  ///< Of each line, as often as it has spots.
  std::vector<float> steps;   ///< From spot to spot, likewise.
};

struct SpotGrid {
  SpotLines rows;
  SpotLines columns;  ///< Not looked for where there are no rows.
};

/// Lines of eight and more spots at one distance, in any place and within some ten degrees of the
/// picture's sides. `strength`: CV_32F; `sigma`: of the blur that answers most to spots of the
/// size, pixels.
SpotGrid find_spot_grid(const cv::Mat& strength, double sigma);

}  // namespace untiled
