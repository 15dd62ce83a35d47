// The network of a run, ready to be streamed: graph, backend, device, and plans within the budget.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "lib/device/device.h"
#include "lib/kernels/backend.h"
#include "lib/plan/planner.h"
#include "lib/streaming/executor.h"

namespace untiled {

/// What a plan has to know of a slide.
struct SlideShape {
  Extent extent;       ///< At the working level.
  PixelAccess access;  ///< How its pixels are had.
};

/// Of a source as it is read.
SlideShape shape_of(const PixelSource& source);

/// Whom an executor works with, and how it gets its pixels.
struct ExecutorUse {
  Group* ranks = nullptr;                 ///< That share the slide; null: this one alone.
  std::optional<RankLayout> layout = {};  ///< How they are spread; nothing: as the settings say.
  NcclLink* link = nullptr;               ///< Between their devices.
  TileDecoding decoding = {};             ///< Of the slide that it is used for.
};

class Engine {
 public:
  /// Chooses the device. Throws ConfigError.
  Engine(const Settings& settings, int64_t logit_channels);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Graph& graph() const { return graph_; }
  const DeviceChoice& device() const { return device_; }
  at::ScalarType dtype() const { return dtype_; }
  const KernelBackend& backend() const { return *backend_; }
  /// "fused" or "libtorch".
  std::string kernels() const { return backend_->simd().empty() ? "libtorch" : "fused"; }

  /// The plan of a training step over a slide, of whose budget `fixed` is taken by others, with as
  /// many of the threads that were asked for as fit. Throws ConfigError when not even one does.
  PlannedStep plan_training(const SlideShape& slide, const MemoryLedger& fixed) const;

  /// The plan of an export or a validation: fixed tiles anchored at the slide's origin and, where
  /// that decides a bit (with LibTorch's kernels), fixed stored layers, so that the result depends
  /// on no setting. Throws ConfigError when it does not fit.
  PlannedStep plan_inference(const SlideShape& slide, const MemoryLedger& fixed, MaskUse use) const;
  /// The same for ranks that share the slide side by side: where tiles decide no bit, inner ones
  /// are narrow, for what lies across a border is computed on both sides.
  PlannedStep plan_shared_inference(const SlideShape& slide, const MemoryLedger& fixed,
                                    MaskUse use) const;

  /// `on_pixels` (may be empty): called with the pixels of each finished tile.
  Executor executor(const PlannedStep& planned, std::function<void(int64_t)> on_pixels,
                    ExecutorUse use = {}) const;

  /// The pixels that an executor reports in all for a slide.
  int64_t reported_pixels(const Plan& plan, const Extent& pixels, Purpose purpose) const;
  Purpose training_purpose() const;

  /// The workers that are asked for, before a plan has fitted them into a budget.
  int most_workers() const { return workers_; }

  /// Seconds of a training step over the slide without reading, from one tile of each segment run
  /// on random numbers here and now: for estimates.
  double measure_seconds(const PlannedStep& planned, const Extent& pixels) const;

 private:
  PlanRequest request(const SlideShape& slide, const MemoryLedger& fixed, Purpose purpose) const;
  std::vector<Order> orders() const;
  PlannedStep plan_with_fixed_layers(PlanRequest wanted, const InferenceShape& shape) const;
  PlannedStep plan_any_layers(const PlanRequest& wanted) const;
  int readers() const;
  /// Seconds of one tile, the better of two runs.
  double measure_tile(const Segment& segment, const std::vector<Extent>& extents,
                      const std::vector<at::Tensor>& parameters, const Region& out) const;

  Settings settings_;
  DeviceChoice device_;
  Graph graph_;
  at::ScalarType dtype_;
  std::unique_ptr<KernelBackend> backend_;
  int workers_;
  std::shared_ptr<StreamingContext> context_;  ///< Of all its executors.
};

/// Slides above this many pixels get a progress line within each pass.
inline constexpr int64_t kLongPassPixels = 64'000'000;

}  // namespace untiled
