#include "app/pipeline/thumbnail_classes.h"

#include <algorithm>

namespace untiled {
namespace {

/// The middles of `samples` equal parts of a side.
std::vector<int64_t> sample_positions(int64_t size, int64_t samples) {
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < samples; ++i) positions.push_back((2 * i + 1) * size / (2 * samples));
  return positions;
}

}  // namespace

ThumbnailClasses::ThumbnailClasses(const Extent& slide, const Extent& thumbnail)
    : rows_(sample_positions(slide.rows, thumbnail.rows)),
      cols_(sample_positions(slide.cols, thumbnail.cols)),
      bytes_(static_cast<size_t>(thumbnail.area()), kIgnoredLabel) {}

void ThumbnailClasses::fill(const Region& region, const Bytes& classes) {
  const auto begin = [](const std::vector<int64_t>& at, int64_t value) {
    return std::lower_bound(at.begin(), at.end(), value) - at.begin();
  };
  const int64_t width = region.cols.size();
  for (auto y = begin(rows_, region.rows.begin); y < begin(rows_, region.rows.end); ++y) {
    for (auto x = begin(cols_, region.cols.begin); x < begin(cols_, region.cols.end); ++x) {
      const int64_t row = rows_[static_cast<size_t>(y)] - region.rows.begin;
      const int64_t col = cols_[static_cast<size_t>(x)] - region.cols.begin;
      bytes_[static_cast<size_t>(y * static_cast<int64_t>(cols_.size()) + x)] =
          classes[static_cast<size_t>(row * width + col)];
    }
  }
}

}  // namespace untiled
