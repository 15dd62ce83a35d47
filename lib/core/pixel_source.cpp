#include "lib/core/pixel_source.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace untiled {
namespace {

/// Where a pixel of a block's plane of `width` bytes a pixel begins.
size_t place(const Region& region, int64_t row, int64_t col, int64_t width) {
  return static_cast<size_t>(
      ((row - region.rows.begin) * region.cols.size() + col - region.cols.begin) * width);
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

constexpr size_t kPixelAlignment = 32;
constexpr size_t kPixelOffset = 16;

}  // namespace

/// Aligned requests would not find memory that was given back (glibc before 2.38 looks for some
/// more than they take), so that the heap grew to many times what is in use. Instead the place is
/// found in memory without alignment, and where that begins is noted before it.
void* allocate_pixels(size_t bytes) {
  static_assert(kPixelOffset >= sizeof(char*));
  char* const memory = static_cast<char*>(::operator new(bytes + kPixelOffset + kPixelAlignment));
  const size_t past = reinterpret_cast<uintptr_t>(memory) % kPixelAlignment;
  char* const pixels = memory + (kPixelAlignment - past) % kPixelAlignment + kPixelOffset;
  std::memcpy(pixels - sizeof(memory), &memory, sizeof(memory));
  return pixels;
}

void free_pixels(void* pixels) noexcept {
  char* memory = nullptr;
  std::memcpy(&memory, static_cast<char*>(pixels) - sizeof(memory), sizeof(memory));
  ::operator delete(memory);
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

PixelTarget target_of(PixelBlock& block) {
  return {block.region, block.channels, block.bytes.data(),
          block.region.cols.size() * block.channels, &block.missing};
}

void copy_overlap(const PixelBlock& from, const PixelTarget& onto) {
  const Region part = intersect(from.region, onto.region);
  if (part.empty()) return;
  const int64_t width = onto.channels;
  const RowCopy rows(onto.next_read);
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    rows.copy(from.bytes.data() + place(from.region, row, part.cols.begin, width),
              onto.at(row, part.cols.begin), static_cast<size_t>(part.cols.size() * width));
  }
  if (from.missing.empty() || !any_marked(from, part)) return;
  if (onto.missing->empty()) onto.missing->assign(static_cast<size_t>(onto.region.area()), 0);
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    std::copy_n(from.missing.data() + place(from.region, row, part.cols.begin, 1), part.cols.size(),
                onto.missing->data() + place(onto.region, row, part.cols.begin, 1));
  }
}

void copy_overlap(const PixelBlock& from, PixelBlock& onto) { copy_overlap(from, target_of(onto)); }

void PixelSource::read_into(const Region& region, const PixelTarget& target) const {
  copy_overlap(read(region), target);
}

}  // namespace untiled
