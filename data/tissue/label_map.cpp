#include "data/tissue/label_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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

PixelBlock empty_labels(const Region& region) {
  PixelBlock block{region, 1, {}, {}};
  block.bytes.resize(static_cast<size_t>(region.area()));
  return block;
}

/// The first byte of row `row` of a 1-channel block, in the frame of its source.
template <typename Block>
auto* row_of(Block& block, int64_t row) {
  return block.bytes.data() + (row - block.region.rows.begin) * block.region.cols.size();
}

/// Which low pixel each pixel of one axis takes; never decreasing.
using Lookup = std::vector<int64_t>;

Lookup edge_to_edge(int64_t full, int64_t low) {
  Lookup lookup(static_cast<size_t>(full));
  for (int64_t i = 0; i < full; ++i) {
    lookup[static_cast<size_t>(i)] = std::min((2 * i + 1) * low / (2 * full), low - 1);
  }
  return lookup;
}

/// One axis of a view in its frame: pixel i begins at `offset` + i * `step` of `size` level-0
/// pixels. Half pixels and their products are exact in double, so that level 0 agrees with
/// edge_to_edge.
struct ViewAxis {
  int64_t pixels;
  double offset;
  double step;
  int64_t size;
};

Lookup from_frame(const ViewAxis& axis, int64_t low) {
  Lookup lookup(static_cast<size_t>(axis.pixels));
  for (size_t i = 0; i < lookup.size(); ++i) {
    const double centre = axis.offset + (static_cast<double>(i) + 0.5) * axis.step;
    const double index =
        std::floor(centre * static_cast<double>(low) / static_cast<double>(axis.size));
    lookup[i] = std::clamp<int64_t>(static_cast<int64_t>(index), 0, low - 1);
  }
  return lookup;
}

class PlaneSource : public PixelSource {
 public:
  PlaneSource(const Extent& extent, Bytes classes)
      : extent_(extent), classes_(std::move(classes)) {}
  Extent extent() const override { return extent_; }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    require_inside(region, extent_);
    PixelBlock block = empty_labels(region);
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const uint8_t* from = classes_.data() + row * extent_.cols + region.cols.begin;
      std::copy_n(from, region.cols.size(), row_of(block, row));
    }
    return block;
  }

 private:
  Extent extent_;
  Bytes classes_;
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
    PixelBlock block = empty_labels(region);
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
    PixelBlock kept = empty_labels(region);
    std::fill(kept.bytes.begin(), kept.bytes.end(), kIgnoredLabel);
    for (const Region& allowed : regions_) copy_part(intersect(allowed, region), kept);
    return kept;
  }

 private:
  void copy_part(const Region& part, PixelBlock& kept) const {
    if (part.empty()) return;
    const PixelBlock labels = labels_->read(part);
    const int64_t offset = part.cols.begin - kept.region.cols.begin;
    for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      std::copy_n(row_of(labels, row), part.cols.size(), row_of(kept, row) + offset);
    }
  }

  std::shared_ptr<const PixelSource> labels_;
  std::vector<Region> regions_;
};

std::shared_ptr<const PixelSource> make_plane(LabelMap map) {
  if (map.low.empty() || static_cast<int64_t>(map.classes.size()) != map.low.area()) {
    throw DataError(
        fmt::format("labels: a map of {} holds {} pixels", to_string(map.low), map.classes.size()));
  }
  return std::make_shared<PlaneSource>(map.low, std::move(map.classes));
}

}  // namespace

std::shared_ptr<const PixelSource> make_label_source(LabelMap map) {
  Lookup rows = edge_to_edge(map.full.rows, map.low.rows);
  Lookup cols = edge_to_edge(map.full.cols, map.low.cols);
  return std::make_shared<LookupSource>(make_plane(std::move(map)), std::move(rows),
                                        std::move(cols));
}

std::shared_ptr<const PixelSource> make_label_source(LabelMap map, const ViewInfo& view) {
  return view_labels(make_plane(std::move(map)), view);
}

std::shared_ptr<const PixelSource> view_labels(std::shared_ptr<const PixelSource> low,
                                               const ViewInfo& view) {
  const Region& frame = view.frame_level0;
  const ViewAxis rows = {view.extent.rows,
                         view.offset_y_level0 - static_cast<double>(frame.rows.begin),
                         view.downsample_y, frame.rows.size()};
  const ViewAxis cols = {view.extent.cols,
                         view.offset_x_level0 - static_cast<double>(frame.cols.begin),
                         view.downsample_x, frame.cols.size()};
  const Extent extent = low->extent();
  return std::make_shared<LookupSource>(std::move(low), from_frame(rows, extent.rows),
                                        from_frame(cols, extent.cols));
}

std::shared_ptr<const PixelSource> restrict_labels(std::shared_ptr<const PixelSource> labels,
                                                   std::vector<Region> regions) {
  return std::make_shared<RestrictedSource>(std::move(labels), std::move(regions));
}

}  // namespace untiled
