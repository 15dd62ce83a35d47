// The network of a run, ready to be streamed: graph, kernel, device, and plans within the budget.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/config/settings.h"
#include "lib/device/device.h"
#include "lib/kernels/fused_kernel.h"
#include "lib/streaming/executor.h"
#include "lib/streaming/planner.h"

namespace untiled {

/// What computes the segments.
struct KernelsInUse {
  std::string simd;  ///< Instruction set of the fused kernels; empty where LibTorch computes all.
  std::string name() const { return simd.empty() ? "libtorch" : "fused"; }
};

class Engine {
 public:
  /// Rows of the tiles of exports and validations, and what their columns are multiples of; a
  /// setting would change the last bits of LibTorch's results.
  static constexpr int64_t kInferenceTile = 512;

  /// Chooses the device. Throws ConfigError.
  Engine(const Settings& settings, int64_t logit_channels);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Graph& graph() const { return graph_; }
  const DeviceChoice& device() const { return device_; }
  at::ScalarType dtype() const { return dtype_; }
  const KernelsInUse& kernels() const { return kernels_; }
  /// Whether fused kernels compute this segment.
  bool fuses(const Segment& segment) const;

  /// Side of tiles where the settings leave it open and nothing speaks for another.
  static constexpr int64_t kUsualTile = 512;

  /// The plan of a training step over a slide of `pixels`, of whose budget readers, queues and
  /// caches take `fixed_bytes`, with as many of the `threads` that were asked for as fit. Throws
  /// ConfigError when not even one does.
  PlannedStep plan_training(const Extent& pixels, int64_t fixed_bytes) const;

  /// The plan of an export or a validation: fixed tiles anchored at the slide's origin and, where
  /// that decides a bit (with LibTorch's kernels), fixed stored layers, so that the result depends
  /// on no setting. Throws ConfigError when it does not fit.
  PlannedStep plan_inference(const Extent& pixels, int64_t fixed_bytes) const;

  /// `on_pixels` (may be empty): called with the pixels of each finished tile.
  Executor executor(const PlannedStep& planned, std::function<void(int64_t)> on_pixels) const;

  /// The workers that are asked for, before a plan has fitted them into a budget.
  int most_workers() const { return workers_; }

  /// Seconds of a training step over the slide without reading, from one tile of each segment run
  /// on random numbers here and now: for estimates.
  double measure_seconds(const PlannedStep& planned, const Extent& pixels) const;

 private:
  void choose_kernel();
  /// The planner's hook for fused kernels; empty where LibTorch computes a segment.
  std::function<int64_t(const Segment&, const TileRegions&)> tile_bytes(bool with_backward) const;
  void choose_tiles(PlanRequest& request) const;
  PlannedStep plan_fused_inference(PlanRequest wanted) const;
  PlanRequest request(const Extent& pixels, int64_t fixed_bytes) const;
  /// Seconds of one tile, the better of two runs.
  double measure_tile(const Segment& segment, const std::vector<Extent>& extents,
                      const std::vector<at::Tensor>& parameters, const Region& out) const;

  Settings settings_;
  DeviceChoice device_;
  Graph graph_;
  at::ScalarType dtype_;
  std::unique_ptr<SegmentKernel> kernel_;
  const FusedKernel* fused_ = nullptr;  ///< kernel_, where it is one.
  KernelsInUse kernels_;
  int workers_;
  std::shared_ptr<StreamingContext> context_;  ///< Of all its executors.
};

/// Slides above this many pixels get a progress line within each pass.
inline constexpr int64_t kLongPassPixels = 64'000'000;
/// Pixels that the passes of a step over `plan` report, for progress.
int64_t step_pixels(const Plan& plan, const Extent& pixels, bool dice);
/// Those that a forward pass to the logits reports.
int64_t forward_pixels(const Plan& plan, const Extent& pixels);

}  // namespace untiled
