#include "data/synth/patchwork.h"

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr int64_t kChannels = 3;

Bytes mirrored(const Bytes& patch, int64_t side) {
  Bytes result(patch.size());
  for (int64_t row = 0; row < side; ++row) {
    for (int64_t col = 0; col < side; ++col) {
      const uint8_t* in = patch.data() + (row * side + side - 1 - col) * kChannels;
      std::copy_n(in, kChannels, result.data() + (row * side + col) * kChannels);
    }
  }
  return result;
}

/// How much of 256 the later neighbour has at place `at` of the overlap.
int32_t share_of_later(int64_t at, int64_t overlap) {
  return static_cast<int32_t>((2 * at + 1) * 256 / (2 * overlap));
}

uint8_t blend(uint8_t earlier, uint8_t later, int32_t share) {
  return static_cast<uint8_t>((earlier * (256 - share) + later * share + 128) >> 8);
}

}  // namespace

Patchwork::Patchwork(const std::vector<Bytes>& patches, int64_t side, int64_t overlap,
                     uint64_t seed)
    : side_(side), overlap_(overlap), pitch_(side - overlap), seed_(seed) {
  if (patches.empty()) throw InternalError("a patchwork needs at least one patch");
  for (const Bytes& patch : patches) {
    patches_.push_back(patch);
    patches_.push_back(mirrored(patch, side));
  }
}

/// A row of the plane as the patch of one cell has it.
const uint8_t* Patchwork::patch_row(int64_t cell_row, int64_t cell_col, int64_t row) const {
  Random random(seed_, static_cast<uint64_t>(cell_row), static_cast<uint64_t>(cell_col));
  const auto index = static_cast<size_t>(random.below(static_cast<int64_t>(patches_.size())));
  const int64_t down = row - cell_row * pitch_;
  const int64_t patch_row = random.below(2) == 1 ? side_ - 1 - down : down;
  return patches_[index].data() + patch_row * side_ * kChannels;
}

/// A row of the plane as the cells of one row of cells have it. From `pitch` on a cell's patch lies
/// under the next one's first `overlap` columns.
void Patchwork::blend_row(int64_t cell_row, int64_t row, const Interval& cols, uint8_t* out) const {
  const int64_t first = floor_div(cols.begin, pitch_);
  const uint8_t* before =
      patch_row(cell_row, first - 1, row) + pitch_ * kChannels;  // Its part in the overlap.
  for (int64_t cell = first; cell * pitch_ < cols.end; ++cell) {
    const uint8_t* patch = patch_row(cell_row, cell, row);
    const int64_t left = cell * pitch_;
    const Interval part = intersect(cols, {left, left + pitch_});
    const int64_t faded = std::min(left + overlap_, part.end);
    int64_t col = part.begin;
    for (; col < faded; ++col) {
      const int32_t share = share_of_later(col - left, overlap_);
      for (int64_t i = (col - left) * kChannels; i < (col - left + 1) * kChannels; ++i) {
        *out++ = blend(before[i], patch[i], share);
      }
    }
    const int64_t rest = std::max<int64_t>(part.end - col, 0) * kChannels;
    out = std::copy_n(patch + (col - left) * kChannels, rest, out);
    before = patch + pitch_ * kChannels;
  }
}

Bytes Patchwork::compose(const Region& region) const {
  const int64_t samples = region.cols.size() * kChannels;
  Bytes result(static_cast<size_t>(region.rows.size() * samples));
  Bytes above(static_cast<size_t>(samples));
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    uint8_t* out = result.data() + (row - region.rows.begin) * samples;
    const int64_t cell = floor_div(row, pitch_);
    blend_row(cell, row, region.cols, out);
    const int64_t down = row - cell * pitch_;
    if (down >= overlap_) continue;
    blend_row(cell - 1, row, region.cols, above.data());
    const int32_t share = share_of_later(down, overlap_);
    for (int64_t i = 0; i < samples; ++i) {
      out[i] = blend(above[static_cast<size_t>(i)], out[i], share);
    }
  }
  return result;
}

std::array<uint8_t, 3> Patchwork::mean_color() const {
  std::array<int64_t, 3> sums{};
  for (const Bytes& patch : patches_) {
    for (size_t i = 0; i < patch.size(); ++i) sums[i % 3] += patch[i];
  }
  const int64_t count = std::max<int64_t>(static_cast<int64_t>(patches_.size()) * side_ * side_, 1);
  std::array<uint8_t, 3> mean{};
  for (size_t k = 0; k < 3; ++k) mean[k] = static_cast<uint8_t>((sums[k] + count / 2) / count);
  return mean;
}

}  // namespace untiled
