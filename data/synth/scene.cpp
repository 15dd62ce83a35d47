#include "data/synth/scene.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace untiled {
namespace {

constexpr int64_t kMostAlong = 12;

/// Boxes along the shorter and the longer side.
struct Layout {
  int64_t across;
  int64_t along;
};

Layout lay_out(int64_t shorter, int64_t longer) {
  const double aspect = static_cast<double>(longer) / static_cast<double>(shorter);
  const int64_t across = aspect < 2.0 ? 2 : 1;
  const int64_t along = std::llround(aspect * static_cast<double>(across));
  return {across, std::clamp<int64_t>(along, 2, kMostAlong)};
}

Interval share(int64_t size, int64_t count, int64_t index) {
  return {size * index / count, size * (index + 1) / count};
}

/// Fine enough for the shapes of a small slide, coarse enough to cost little on a large one.
int64_t node_step(const Extent& extent) {
  const auto shorter = static_cast<uint64_t>(std::min(extent.rows, extent.cols));
  return std::clamp<int64_t>(static_cast<int64_t>(std::bit_floor(shorter / 128)), 4, 32);
}

}  // namespace

Scene::Scene(const Extent& extent, uint64_t seed) : extent_(extent), step_(node_step(extent)) {
  const bool wide = extent.cols >= extent.rows;
  const Layout layout =
      wide ? lay_out(extent.rows, extent.cols) : lay_out(extent.cols, extent.rows);
  const int64_t rows = wide ? layout.across : layout.along;
  const int64_t cols = wide ? layout.along : layout.across;
  for (int64_t i = 0; i < rows * cols; ++i) {
    const Region box{share(extent.rows, rows, i / cols), share(extent.cols, cols, i % cols)};
    sections_.emplace_back(box, seed, static_cast<uint64_t>(i));
  }
}

}  // namespace untiled
