#include "lib/core/pixel_source.h"

#include <algorithm>
#include <new>
#include <utility>

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

bool any_marked(const PixelBlock& block, const Region& part) {
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    const int64_t at = (row - block.region.rows.begin) * block.region.cols.size() +
                       part.cols.begin - block.region.cols.begin;
    const uint8_t* marks = block.missing.data() + at;
    if (std::any_of(marks, marks + part.cols.size(), [](uint8_t m) { return m != 0; })) return true;
  }
  return false;
}

class DirectPass : public RegionPass {
 public:
  DirectPass(std::shared_ptr<const PixelSource> source, std::vector<Region> regions)
      : source_(std::move(source)), regions_(std::move(regions)) {}
  PixelView take(size_t index) override { return source_->view(regions_.at(index)); }

 private:
  std::shared_ptr<const PixelSource> source_;
  std::vector<Region> regions_;
};

constexpr std::align_val_t kPixelAlignment{32};
constexpr size_t kPixelOffset = 16;

}  // namespace

void* allocate_pixels(size_t bytes) {
  return static_cast<char*>(::operator new(bytes + kPixelOffset, kPixelAlignment)) + kPixelOffset;
}

void free_pixels(void* pixels) noexcept {
  ::operator delete(static_cast<char*>(pixels) - kPixelOffset, kPixelAlignment);
}

PixelView view_of(PixelBlock block) {
  PixelView view{.region = block.region,
                 .channels = block.channels,
                 .row_stride = block.region.cols.size() * block.channels,
                 .missing = std::move(block.missing)};
  const auto bytes = std::make_shared<const Bytes>(std::move(block.bytes));
  view.data = bytes->data();
  view.owner = bytes;
  return view;
}

PixelBlock copy_of(const PixelView& view) {
  PixelBlock block{
      .region = view.region, .channels = view.channels, .bytes = {}, .missing = view.missing};
  const int64_t width = view.region.cols.size() * view.channels;
  block.bytes.resize(static_cast<size_t>(view.region.rows.size() * width));
  for (int64_t row = 0; row < view.region.rows.size(); ++row) {
    std::copy_n(view.data + row * view.row_stride, width, block.bytes.data() + row * width);
  }
  return block;
}

void copy_overlap(const PixelBlock& from, PixelBlock& onto) {
  const Region part = intersect(from.region, onto.region);
  if (part.empty()) return;
  copy_plane(part, onto.channels, from.region, from.bytes, onto.region, onto.bytes);
  if (from.missing.empty() || !any_marked(from, part)) return;
  if (onto.missing.empty()) onto.missing.assign(static_cast<size_t>(onto.region.area()), 0);
  copy_plane(part, 1, from.region, from.missing, onto.region, onto.missing);
}

std::unique_ptr<RegionPass> DirectFeed::begin(std::vector<Region> regions) const {
  return std::make_unique<DirectPass>(source_, std::move(regions));
}

}  // namespace untiled
