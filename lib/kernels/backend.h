// What computes a network's segments, and all that is tuned to it: tiles, bytes, costs, workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/plan/tiling.h"
#include "lib/streaming/kernel.h"

namespace untiled {

/// What masks are computed for.
enum class MaskUse {
  kFiles,   ///< Tiles of files are made of them.
  kScores,  ///< Only counted.
};

/// How masks are computed.
struct InferenceShape {
  std::vector<Extent> tiles;  ///< In falling order; the first that fits.
  Tiling tiling = Tiling::kGrid;
  /// Stored layers, where the choice would move the last bits of results.
  bool has_fixed_layers = false;
  std::vector<LayerId> fixed_layers;
};

/// Of one graph on one device. Constant after it was made.
class KernelBackend {
 public:
  virtual ~KernelBackend() = default;

  virtual const SegmentKernel& kernel() const = 0;
  /// Instruction set of kernels of its own; empty where LibTorch computes all.
  virtual std::string simd() const { return {}; }
  /// Whether kernels of its own compute a segment, not LibTorch's.
  virtual bool covers(const Segment& /*segment*/) const { return false; }

  /// Layers of a segment, of its target's extent, whose values the way back can take instead of
  /// computing them once more.
  virtual std::vector<LayerId> kept(const Segment& /*segment*/) const { return {}; }

  /// Tiles of logits of a training step over a slide, in falling order.
  virtual std::vector<Extent> training_tiles(Order order, const Extent& pixels) const = 0;
  virtual InferenceShape inference_shape(MaskUse use) const = 0;

  /// Tiles that are computed at a time where `asked` are asked for.
  virtual int workers(int asked) const { return asked; }
  virtual int inference_workers(int asked) const { return workers(asked); }
  /// Threads beside them that only read.
  virtual int readers() const { return 0; }

  /// Bytes of a tile while it is computed; empty: the planner's estimate for LibTorch.
  virtual std::function<int64_t(const Segment&, const TileRegions&)> tile_bytes(
      bool /*with_backward*/) const {
    return {};
  }
  /// Threads' stacks and heaps, first uses of operations: measured.
  virtual int64_t runtime_bytes() const { return 40 << 20; }
  virtual int64_t runtime_bytes_per_worker() const { return 12 << 20; }
  /// Multiply-adds in the time that a byte takes to be stored and read again, and a pixel to be
  /// decoded.
  virtual double work_per_stored_byte() const { return 0.0; }
  virtual double work_per_decoded_pixel() const { return 0.0; }
};

/// Side of tiles where nothing speaks for another, and of files' tiles.
inline constexpr int64_t kUsualTile = 512;

/// Fused kernels of a CPU, LibTorch's for what they do not cover. Null where they cover nothing.
/// Keeps a reference to `graph`. Throws ConfigError where the processor lacks the instruction set.
std::unique_ptr<KernelBackend> make_fused_backend(const Graph& graph, const std::string& simd);
std::unique_ptr<KernelBackend> make_libtorch_backend(const Graph& graph, const c10::Device& device);

/// What a backend is chosen by.
struct BackendWish {
  c10::Device device = c10::kCPU;
  bool wants_fused = true;  ///< The settings allow fused kernels.
  std::string simd = "auto";
};

/// Fused kernels where they may be used, cover the network and the processor has instructions that
/// make them worth it; else LibTorch's. Throws ConfigError.
std::unique_ptr<KernelBackend> choose_backend(const Graph& graph, const BackendWish& wish);

}  // namespace untiled
