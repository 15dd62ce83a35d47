#include "lib/kernels/fused/fine_rows.h"

#include <cstring>

namespace untiled::fused {
namespace {

/// Rows of a slide lie pages apart, where no processor looks ahead by itself: so many rows before
/// it is loaded a row is asked for.
constexpr int64_t kPrefetchedRows = 4;
/// Pixels whose phases fill a vector.
constexpr int64_t kBlock = kLanes * kPhases;

void prefetch(const uint8_t* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(row + i, 0, 2);
}

}  // namespace

FineRows::FineRows(const RowKernels& kernels, const Columns& columns, const PixelCrop& crop)
    : kernels_(kernels),
      columns_(columns),
      crop_(crop),
      channels_(3),
      held_(intersect(columns.fine(), crop.region.cols)),
      bytes_(static_cast<size_t>(columns.fine().size() * 3), 0),
      floats_(0) {}

FineRows::FineRows(const RowKernels& kernels, const Columns& columns, const PlaneCrop& crop)
    : kernels_(kernels),
      columns_(columns),
      crop_(crop),
      channels_(crop.channels),
      held_(intersect(columns.fine(), crop.region.cols)),
      floats_(columns.fine().size()) {}

/// Blocks of kBlock pixels, of which the first begins at `pixels`; `next` as for split_rgb.
void FineRows::split_pixels(const Interval& blocks, const uint8_t* pixels, const uint8_t* next,
                            float* row) const {
  if (blocks.empty()) return;
  kernels_.split_rgb({blocks.size() * kLanes, columns_.shape.stride}, pixels, next,
                     row + kLanes * blocks.begin);
}

void FineRows::load_pixels(const PixelCrop& pixels, int64_t y, float* row) {
  const Region& r = pixels.region;
  const uint8_t* from =
      pixels.data + (y - r.rows.begin) * pixels.row_stride + 3 * (held_.begin - r.cols.begin);
  const bool has_next = y + kPrefetchedRows < r.rows.end;
  const int64_t to_next = kPrefetchedRows * pixels.row_stride;
  // Whole blocks are taken from where they are; at the ends, and where words would lie askew, a
  // copy with zeros beside it is.
  const Interval all = {0, columns_.shape.width / kLanes};
  const int64_t begin = held_.begin - columns_.fine().begin;
  const int64_t end = begin + held_.size();
  Interval inside = {ceil_div(begin, kBlock), end / kBlock};
  // Blocks are whole words: all lie as the first does.
  const auto first_word = reinterpret_cast<uintptr_t>(from) - static_cast<uintptr_t>(3 * begin);
  if (inside.empty() || first_word % alignof(uint32_t) != 0) inside = {all.end, all.end};
  const auto copy = [&](int64_t first, int64_t last) {
    if (first >= last) return;
    const uint8_t* part = from + 3 * (first - begin);
    std::memcpy(bytes_.data() + 3 * first, part, static_cast<size_t>(3 * (last - first)));
    if (has_next) prefetch(part + to_next, 3 * (last - first));
  };
  copy(begin, std::min(end, inside.begin * kBlock));
  copy(std::max(begin, inside.end * kBlock), end);
  split_pixels({all.begin, inside.begin}, bytes_.data(), nullptr, row);
  if (inside.empty()) return;
  const uint8_t* whole_blocks = from + 3 * (inside.begin * kBlock - begin);
  split_pixels(inside, whole_blocks, has_next ? whole_blocks + to_next : nullptr, row);
  split_pixels({inside.end, all.end}, bytes_.data() + 3 * kBlock * inside.end, nullptr, row);
}

void FineRows::load(int64_t y, float* row) {
  if (held_.empty()) return;
  if (const auto* pixels = std::get_if<PixelCrop>(&crop_)) {
    load_pixels(*pixels, y, row);
    return;
  }
  const int64_t offset = held_.begin - columns_.fine().begin;
  const auto& planes = std::get<PlaneCrop>(crop_);
  for (int64_t c = 0; c < channels_; ++c) {
    const float* from = planes.at(c, y) + held_.begin - planes.region.cols.begin;
    std::memcpy(floats_.data() + offset, from, static_cast<size_t>(held_.size()) * sizeof(float));
    kernels_.split(columns_.shape, floats_.data(), row + c * kPhases * columns_.shape.stride);
  }
}

void join_row(const RowKernels& kernels, const Columns& columns, const float* channel,
              const Interval& cols, float* scratch, float* target) {
  kernels.join(columns.shape, channel, scratch);
  std::memcpy(target, scratch + cols.begin - columns.fine().begin,
              static_cast<size_t>(cols.size()) * sizeof(float));
}

void clear_fine(const Columns& columns, int64_t begin, int64_t count, int64_t channels,
                float* row) {
  const int64_t end = std::min(begin + count, columns.fine().end);
  for (int64_t x = begin; x < end; ++x) {
    const int64_t i = x - columns.fine().begin;
    for (int64_t c = 0; c < channels; ++c) {
      row[(c * kPhases + i % kPhases) * columns.shape.stride + i / kPhases] = 0.0F;
    }
  }
}

}  // namespace untiled::fused
