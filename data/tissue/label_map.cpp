#include "data/tissue/label_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/slide/samples.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// So much of the low-resolution source is read at once where that is the finer one.
constexpr int64_t kMostLowPixels = 4 << 20;

void require_inside(const Region& region, const Extent& extent) {
  if (!whole(extent).contains(region)) {
    throw DataError(
        fmt::format("labels: {} lie outside their {}", to_string(region), to_string(extent)));
  }
}

/// The first byte of row `row` of a 1-channel block, in the frame of its source.
template <typename Block>
auto* row_of(Block& block, int64_t row) {
  return block.bytes.data() + (row - block.region.rows.begin) * block.region.cols.size();
}

/// Which low pixel each pixel of one axis takes; never decreasing.
using Lookup = std::vector<int64_t>;

/// `low` low pixels for `full` pixels at level 0, which is the low plane's scale; and the plane's
/// last pixel, which stands for what lies beyond it.
struct LowAxis {
  int64_t low;
  int64_t full;
  int64_t last;
};

LowAxis low_axis(int64_t low, int64_t full, const std::optional<int64_t>& downsample) {
  if (downsample) return {1, *downsample, low - 1};
  return {low, full, low - 1};
}

Lookup of_level0(int64_t pixels, const LowAxis& axis) {
  Lookup lookup(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < pixels; ++i) {
    lookup[static_cast<size_t>(i)] = std::min((2 * i + 1) * axis.low / (2 * axis.full), axis.last);
  }
  return lookup;
}

/// One axis of a view in its frame: pixel i begins at `offset` + i * `step` level-0 pixels. Half
/// pixels and their products are exact in double, so that level 0 agrees with of_level0.
struct ViewAxis {
  int64_t pixels;
  double offset;
  double step;
};

Lookup of_view(const ViewAxis& view, const LowAxis& axis) {
  Lookup lookup(static_cast<size_t>(view.pixels));
  for (size_t i = 0; i < lookup.size(); ++i) {
    const double centre = view.offset + (static_cast<double>(i) + 0.5) * view.step;
    const double index =
        std::floor(centre * static_cast<double>(axis.low) / static_cast<double>(axis.full));
    lookup[i] = std::clamp<int64_t>(static_cast<int64_t>(index), 0, axis.last);
  }
  return lookup;
}

class PlaneSource : public PixelSource {
 public:
  explicit PlaneSource(PixelBlock plane) : plane_(std::move(plane)) {}
  Extent extent() const override { return plane_.region.extent(); }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    require_inside(region, extent());
    PixelBlock block = empty_block(region, 1);
    copy_overlap(plane_, block);
    return block;
  }

 private:
  PixelBlock plane_;
};

class LookupSource : public PixelSource {
 public:
  LookupSource(std::shared_ptr<const PixelSource> low, Lookup rows, Lookup cols)
      : low_(std::move(low)), rows_(std::move(rows)), cols_(std::move(cols)) {}
  Extent extent() const override {
    return {static_cast<int64_t>(rows_.size()), static_cast<int64_t>(cols_.size())};
  }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    require_inside(region, extent());
    PixelBlock block = empty_block(region, 1);
    if (!region.empty()) fill(region, block);
    return block;
  }

 private:
  static int64_t at(const Lookup& lookup, int64_t index) {
    return lookup[static_cast<size_t>(index)];
  }
  static Interval low_part(const Lookup& lookup, const Interval& part) {
    return {at(lookup, part.begin), at(lookup, part.end - 1) + 1};
  }

  void fill(const Region& part, PixelBlock& block) const {
    const Region low = {low_part(rows_, part.rows), low_part(cols_, part.cols)};
    if (low.area() > kMostLowPixels && part.area() > 1) {
      const auto [first, second] = halves(part);
      fill(first, block);
      fill(second, block);
      return;
    }
    copy_labels(low_->read(low), part, block);
  }

  static std::pair<Region, Region> halves(const Region& region) {
    std::pair<Region, Region> parts = {region, region};
    const auto axis = region.rows.size() >= region.cols.size() ? &Region::rows : &Region::cols;
    const int64_t middle = (region.*axis).begin + (region.*axis).size() / 2;
    (parts.first.*axis).end = middle;
    (parts.second.*axis).begin = middle;
    return parts;
  }

  void copy_labels(const PixelBlock& low, const Region& part, PixelBlock& block) const {
    const int64_t offset = part.cols.begin - block.region.cols.begin;
    const int64_t count = part.cols.size();
    const int64_t* low_cols = cols_.data() + part.cols.begin;
    for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      uint8_t* to = row_of(block, row) + offset;
      if (row > part.rows.begin && at(rows_, row) == at(rows_, row - 1)) {
        std::copy_n(row_of(block, row - 1) + offset, count, to);
        continue;
      }
      const uint8_t* from = row_of(low, at(rows_, row)) - low.region.cols.begin;
      for (int64_t col = 0; col < count; ++col) to[col] = from[low_cols[col]];
    }
  }

  std::shared_ptr<const PixelSource> low_;
  Lookup rows_;
  Lookup cols_;
};

class RestrictedSource : public PixelSource {
 public:
  RestrictedSource(std::shared_ptr<const PixelSource> labels, std::vector<Region> regions)
      : labels_(std::move(labels)), regions_(std::move(regions)) {}
  Extent extent() const override { return labels_->extent(); }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    require_inside(region, extent());
    PixelBlock kept = empty_block(region, 1);
    std::fill(kept.bytes.begin(), kept.bytes.end(), kIgnoredLabel);
    for (const Region& allowed : regions_) {
      const Region part = intersect(allowed, region);
      if (!part.empty()) copy_overlap(labels_->read(part), kept);
    }
    return kept;
  }

 private:
  std::shared_ptr<const PixelSource> labels_;
  std::vector<Region> regions_;
};

std::shared_ptr<const PixelSource> make_plane(LabelMap map) {
  if (map.low.empty() || static_cast<int64_t>(map.classes.size()) != map.low.area()) {
    throw DataError(
        fmt::format("labels: a map of {} holds {} pixels", to_string(map.low), map.classes.size()));
  }
  return std::make_shared<PlaneSource>(PixelBlock{whole(map.low), 1, std::move(map.classes), {}});
}

}  // namespace

std::shared_ptr<const PixelSource> make_label_source(LabelMap map) {
  Lookup rows = of_level0(map.full.rows, low_axis(map.low.rows, map.full.rows, map.downsample));
  Lookup cols = of_level0(map.full.cols, low_axis(map.low.cols, map.full.cols, map.downsample));
  return std::make_shared<LookupSource>(make_plane(std::move(map)), std::move(rows),
                                        std::move(cols));
}

std::shared_ptr<const PixelSource> make_label_source(LabelMap map, const ViewInfo& view) {
  const auto downsample = map.downsample;
  return view_labels(make_plane(std::move(map)), view, downsample);
}

std::shared_ptr<const PixelSource> view_labels(std::shared_ptr<const PixelSource> low,
                                               const ViewInfo& view,
                                               std::optional<int64_t> downsample) {
  const Region& frame = view.frame_level0;
  const ViewAxis rows = {view.extent.rows,
                         view.offset_y_level0 - static_cast<double>(frame.rows.begin),
                         view.downsample_y};
  const ViewAxis cols = {view.extent.cols,
                         view.offset_x_level0 - static_cast<double>(frame.cols.begin),
                         view.downsample_x};
  const LowAxis low_rows = low_axis(low->extent().rows, frame.rows.size(), downsample);
  const LowAxis low_cols = low_axis(low->extent().cols, frame.cols.size(), downsample);
  return std::make_shared<LookupSource>(std::move(low), of_view(rows, low_rows),
                                        of_view(cols, low_cols));
}

std::shared_ptr<const PixelSource> restrict_labels(std::shared_ptr<const PixelSource> labels,
                                                   std::vector<Region> regions) {
  return std::make_shared<RestrictedSource>(std::move(labels), std::move(regions));
}

}  // namespace untiled
