// Fat in a picture of a slide: a net of thin walls around cells that look as empty as glass.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Half the width from which tissue is no wall of a fat cell.
inline constexpr double kThickUm = 24;
/// The radius of the largest of fat's cells, and of gaps in their walls.
inline constexpr double kFatCellUm = 104;

/// The thin walls in `above`, which is what stands out from the background in colour: masks of 0
/// and 1. `um`: a pixel's side.
cv::Mat find_walls(const cv::Mat& above, double um);

/// Areas that walls divide into cells of up to a radius, filled.
cv::Mat fat_between(const cv::Mat& walls, double cell_radius_um, double um);

}  // namespace untiled
