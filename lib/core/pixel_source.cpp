#include "lib/core/pixel_source.h"

#include <algorithm>

namespace untiled {
namespace {

/// Copies the rows of `part` between planes of `width` bytes a pixel.
void copy_plane(const Region& part, int64_t width, const Region& from, const Bytes& source,
                const Region& onto, Bytes& target) {
  const auto at = [&](const Region& region, int64_t row) {
    return ((row - region.rows.begin) * region.cols.size() + part.cols.begin - region.cols.begin) *
           width;
  };
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    std::copy_n(source.data() + at(from, row), part.cols.size() * width,
                target.data() + at(onto, row));
  }
}

class DirectPass : public RegionPass {
 public:
  DirectPass(std::shared_ptr<const PixelSource> source, std::vector<Region> regions)
      : source_(std::move(source)), regions_(std::move(regions)) {}
  PixelBlock take(size_t index) override { return source_->read(regions_.at(index)); }

 private:
  std::shared_ptr<const PixelSource> source_;
  std::vector<Region> regions_;
};

}  // namespace

void copy_overlap(const PixelBlock& from, PixelBlock& onto) {
  const Region part = intersect(from.region, onto.region);
  if (part.empty()) return;
  copy_plane(part, onto.channels, from.region, from.bytes, onto.region, onto.bytes);
  if (from.missing.empty()) return;
  if (onto.missing.empty()) onto.missing.assign(static_cast<size_t>(onto.region.area()), 0);
  copy_plane(part, 1, from.region, from.missing, onto.region, onto.missing);
}

std::unique_ptr<RegionPass> DirectFeed::begin(std::vector<Region> regions) const {
  return std::make_unique<DirectPass>(source_, std::move(regions));
}

}  // namespace untiled
