#include "data/tissue/mask_shapes.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace untiled {
namespace {

struct Components {
  cv::Mat labels;
  cv::Mat stats;
  int count = 0;
};

Components components_of(const cv::Mat& mask, int connectivity) {
  Components found;
  cv::Mat centroids;
  found.count = cv::connectedComponentsWithStats(mask, found.labels, found.stats, centroids,
                                                 connectivity, CV_32S);
  return found;
}

bool touches_edge(const Components& components, int index) {
  const int left = components.stats.at<int>(index, cv::CC_STAT_LEFT);
  const int top = components.stats.at<int>(index, cv::CC_STAT_TOP);
  return left == 0 || top == 0 ||
         left + components.stats.at<int>(index, cv::CC_STAT_WIDTH) == components.labels.cols ||
         top + components.stats.at<int>(index, cv::CC_STAT_HEIGHT) == components.labels.rows;
}

/// Sets the chosen components' pixels to `value`.
void overwrite(cv::Mat& mask, const cv::Mat& labels, const std::vector<bool>& chosen,
               uint8_t value) {
  for (int row = 0; row < mask.rows; ++row) {
    const int* label = labels.ptr<int>(row);
    auto* pixel = mask.ptr<uint8_t>(row);
    for (int col = 0; col < mask.cols; ++col) {
      if (chosen[static_cast<size_t>(label[col])]) pixel[col] = value;
    }
  }
}

cv::Mat distance_inside(const cv::Mat& mask) {
  cv::Mat distance;
  cv::distanceTransform(mask, distance, cv::DIST_L2, cv::DIST_MASK_3);
  return distance;
}

}  // namespace

void fill_small_holes(cv::Mat& mask, double least_pixels) {
  const Components holes = components_of(mask == 0, 8);
  std::vector<bool> small(static_cast<size_t>(holes.count), false);
  for (int i = 1; i < holes.count; ++i) {
    const bool is_small = holes.stats.at<int>(i, cv::CC_STAT_AREA) < least_pixels;
    small[static_cast<size_t>(i)] = is_small && !touches_edge(holes, i);
  }
  overwrite(mask, holes.labels, small, 1);
}

void drop_small_objects(cv::Mat& mask, double least_pixels) {
  const Components objects = components_of(mask, 4);
  std::vector<bool> small(static_cast<size_t>(objects.count), false);
  for (int i = 1; i < objects.count; ++i) {
    small[static_cast<size_t>(i)] = objects.stats.at<int>(i, cv::CC_STAT_AREA) < least_pixels;
  }
  overwrite(mask, objects.labels, small, 0);
}

cv::Mat disk(double radius) {
  const int r = std::max(1, static_cast<int>(std::lround(radius)));
  return cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * r + 1, 2 * r + 1});
}

cv::Mat grown(const cv::Mat& mask, double radius) {
  if (cv::countNonZero(mask) == 0) return mask.clone();
  return (distance_inside(1 - mask) <= radius) / 255;
}

cv::Mat opened(const cv::Mat& mask, double radius) {
  return grown((distance_inside(mask) > radius) / 255, radius) & mask;
}

cv::Mat closed(const cv::Mat& mask, double radius) {
  const int border = static_cast<int>(std::ceil(radius)) + 2;
  cv::Mat wide;
  cv::copyMakeBorder(mask, wide, border, border, border, border, cv::BORDER_REPLICATE);
  const cv::Mat inside = 1 - grown(1 - grown(wide, radius), radius);
  return inside(cv::Rect(border, border, mask.cols, mask.rows)).clone();
}

cv::Mat halved(const cv::Mat& mask, bool any) {
  cv::Mat half;
  const cv::Size size((mask.cols + 1) / 2, (mask.rows + 1) / 2);
  cv::resize(mask * 255, half, size, 0, 0, cv::INTER_AREA);
  return (half > (any ? 0 : 127)) / 255;
}

cv::Mat pieces_with(const cv::Mat& weak, const cv::Mat& strong) {
  cv::Mat labels;
  const int count = cv::connectedComponents(weak, labels, 8, CV_32S);
  std::vector<bool> without(static_cast<size_t>(count), true);
  for (int row = 0; row < strong.rows; ++row) {
    const auto* is_strong = strong.ptr<uint8_t>(row);
    const int* label = labels.ptr<int>(row);
    for (int col = 0; col < strong.cols; ++col) {
      if (is_strong[col] != 0) without[static_cast<size_t>(label[col])] = false;
    }
  }
  cv::Mat pieces = weak.clone();
  overwrite(pieces, labels, without, 0);
  return pieces;
}

}  // namespace untiled
