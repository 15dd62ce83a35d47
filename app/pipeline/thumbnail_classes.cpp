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
  const auto samples = [](const std::vector<int64_t>& at, const Interval& pixels) {
    const auto first = [&](int64_t pixel) {
      return std::lower_bound(at.begin(), at.end(), pixel) - at.begin();
    };
    return Interval{first(pixels.begin), first(pixels.end)};
  };
  const int64_t width = region.cols.size();
  const Interval rows = samples(rows_, region.rows);
  const Interval cols = samples(cols_, region.cols);
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t x = cols.begin; x < cols.end; ++x) {
      const int64_t row = rows_[static_cast<size_t>(y)] - region.rows.begin;
      const int64_t col = cols_[static_cast<size_t>(x)] - region.cols.begin;
      bytes_[static_cast<size_t>(y * static_cast<int64_t>(cols_.size()) + x)] =
          classes[static_cast<size_t>(row * width + col)];
    }
  }
}

/// A pixel is filled by one rank and kIgnoredLabel on all others, so it is the distance from there
/// that is added up.
void ThumbnailClasses::unite(Group& ranks) {
  std::vector<int64_t> below;
  below.reserve(bytes_.size());
  for (const uint8_t value : bytes_) below.push_back(kIgnoredLabel - value);
  ranks.sum(below);
  std::transform(below.begin(), below.end(), bytes_.begin(),
                 [](int64_t b) { return static_cast<uint8_t>(kIgnoredLabel - b); });
}

}  // namespace untiled
