#include "data/tissue/fat.h"

#include "data/tissue/mask_shapes.h"

namespace untiled {

cv::Mat find_fat(const cv::Mat& above, double cell_radius_um, double um) {
  constexpr double kLeastWallUm2 = 1e3;
  constexpr double kLeastRadiusUm = 88;
  cv::Mat walls = above & (1 - grown(opened(above, kThickUm / um), 1));
  drop_small_objects(walls, kLeastWallUm2 / (um * um));
  return opened(closed(walls, cell_radius_um / um), kLeastRadiusUm / um);
}

}  // namespace untiled
