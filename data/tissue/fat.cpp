#include "data/tissue/fat.h"

#include <opencv2/imgproc.hpp>

#include "data/tissue/mask_shapes.h"

namespace untiled {

cv::Mat find_walls(const cv::Mat& above, double um) {
  constexpr double kLeastWallUm2 = 1e3;
  cv::Mat walls = above & (1 - grown(opened(above, kThickUm / um), 1));
  drop_small_objects(walls, kLeastWallUm2 / (um * um));
  return walls;
}

cv::Mat fat_between(const cv::Mat& walls, double cell_radius_um, double um) {
  constexpr double kLeastRadiusUm = 88;
  if (cv::countNonZero(walls) == 0) return walls.clone();
  // Half the scale is fine enough for cells, and four times as fast.
  const double half_um = 2 * um;
  const cv::Mat half = halved(walls, true);
  cv::Mat fat = opened(closed(half, cell_radius_um / half_um), kLeastRadiusUm / half_um);
  cv::resize(fat, fat, walls.size(), 0, 0, cv::INTER_NEAREST);
  return fat;
}

}  // namespace untiled
