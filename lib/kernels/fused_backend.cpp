#include <algorithm>

#include "lib/kernels/backend.h"
#include "lib/kernels/fused_blocks.h"
#include "lib/kernels/fused_kernel.h"

namespace untiled {
namespace {

/// Tiles of a slide at the least, where there are small enough ones: cores of a desktop have some.
constexpr int64_t kFewestTiles = 16;
/// Tiles that lie beside each other in a band at the least: cores of a desktop work on some.
constexpr int64_t kFewestAcross = 16;

class FusedBackend : public KernelBackend {
 public:
  FusedBackend(const Graph& graph, const std::string& simd)
      : kernel_(graph, simd), simd_(simd == "auto" ? fused::available_simd().front() : simd) {
    for (const Segment& s : cut_segments(graph, graph.storable_layers())) {
      covers_all_ = covers_all_ && kernel_.fuses(s);
    }
  }

  const SegmentKernel& kernel() const override { return kernel_; }
  std::string simd() const override { return simd_; }
  bool covers(const Segment& segment) const override { return kernel_.fuses(segment); }

  std::vector<LayerId> kept(const Segment& segment) const override {
    return kernel_.kept_layers(segment);
  }

  /// Rows of tiles are vectors of 16 of every fourth column, and one such column more on each side:
  /// wide, so that little is halo and little of a row's time is its beginning, and 2 times 4
  /// columns less than a multiple of 512, so that none of the vectors is nearly empty. In a sweep
  /// their height is the height of bands, which decides how many rows live at once; higher ones
  /// compute less halo twice. Where rows are long tiles are wider, and where they are very long the
  /// planner may take half the height.
  std::vector<Extent> training_tiles(Order order, const Extent& pixels) const override {
    std::vector<Extent> tiles = {{512, 1016}, {256, 1016}, {128, 1016}, {128, 504}};
    if (order == Order::kSweep) {
      tiles.erase(tiles.begin(), tiles.begin() + 2);
      if (pixels.cols >= kLongRow) tiles.insert(tiles.begin() + 1, {64, 1528});
      constexpr Extent kWide = {128, 1528};
      if (pixels.cols >= kFewestAcross * kWide.cols) tiles.insert(tiles.begin(), kWide);
    }
    const auto first = std::find_if(tiles.begin(), tiles.end() - 1, [&](const Extent& t) {
      return ceil_div(pixels.rows, t.rows) * ceil_div(pixels.cols, t.cols) >= kFewestTiles;
    });
    return {first, tiles.end()};
  }

  /// Fused kernels give the same bits whatever is stored and whatever the tiles; only the last bits
  /// of a loss know of them.
  InferenceShape inference_shape(MaskUse use) const override {
    if (use == MaskUse::kScores) return {.tiles = {{128, 1016}}, .fixed_layers = {}};
    return {.tiles = {{kUsualTile, 2 * kUsualTile}, {kUsualTile, kUsualTile}}, .fixed_layers = {}};
  }

  std::function<int64_t(const Segment&, const TileRegions&)> tile_bytes(
      bool with_backward) const override {
    // Where a graph has blocks, only segments that mix them with other layers are LibTorch's; the
    // planner's own estimate is right for a whole network of such.
    if (!covers_all_) return {};
    return [this, with_backward](const Segment& segment, const TileRegions& regions) {
      return kernel_.tile_bytes(segment, regions, with_backward);
    };
  }
  /// Little is left to LibTorch.
  int64_t runtime_bytes() const override {
    return covers_all_ ? 16 << 20 : KernelBackend::runtime_bytes();
  }
  int64_t runtime_bytes_per_worker() const override {
    return covers_all_ ? 6 << 20 : KernelBackend::runtime_bytes_per_worker();
  }
  /// Some six multiply-adds take the time of a byte to or from main memory, and more that of one of
  /// a page that the system has to clear first; a JPEG pixel takes that of a hundred.
  double work_per_stored_byte() const override { return covers_all_ ? 16.0 : 0.0; }
  double work_per_decoded_pixel() const override { return covers_all_ ? 100.0 : 0.0; }

 private:
  FusedKernel kernel_;
  std::string simd_;
  bool covers_all_ = true;
};

}  // namespace

std::unique_ptr<KernelBackend> make_fused_backend(const Graph& graph, const std::string& simd) {
  if (fused_blocks(graph).empty()) return nullptr;
  return std::make_unique<FusedBackend>(graph, simd);
}

std::unique_ptr<KernelBackend> choose_backend(const Graph& graph, const BackendWish& wish) {
  const bool is_worth_it = wish.simd != "auto" || fused::available_simd().front() != "scalar";
  std::unique_ptr<KernelBackend> fused;
  if (wish.wants_fused && is_worth_it && wish.device.is_cpu()) {
    fused = make_fused_backend(graph, wish.simd);
  }
  return fused ? std::move(fused) : make_libtorch_backend(graph, wish.device);
}

}  // namespace untiled
