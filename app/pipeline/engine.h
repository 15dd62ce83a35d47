// The network of a run, ready to be streamed: graph, kernel, device, and plans within the budget.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/config/settings.h"
#include "lib/device/device.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/streaming/executor.h"
#include "lib/streaming/planner.h"

namespace untiled {

class Engine {
 public:
  /// Chooses the device. Throws ConfigError.
  Engine(const Settings& settings, int64_t logit_channels);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Graph& graph() const { return graph_; }
  const DeviceChoice& device() const { return device_; }
  int workers() const { return workers_; }
  at::ScalarType dtype() const { return dtype_; }

  /// The plan of a training step over a slide of `pixels`, of whose budget readers, queues and
  /// caches take `fixed_bytes`. Throws ConfigError when none fits.
  PlannedStep plan_training(const Extent& pixels, int64_t fixed_bytes) const;

  /// The plan of an export or a validation: fixed tiles anchored at the slide's origin and fixed
  /// stored layers, so that the result depends on no setting. Throws ConfigError when it does not
  /// fit.
  PlannedStep plan_inference(const Extent& pixels, int64_t fixed_bytes) const;

  Executor executor(const Plan& plan, std::function<void(int64_t)> on_pixels) const;

  /// Seconds of one pass over the slide, from one tile of each segment run on random numbers here
  /// and now: for estimates. `with_backward` as in a training step.
  double measure_seconds(const Plan& plan, const Extent& pixels, bool with_backward) const;

 private:
  PlanRequest request(const Extent& pixels, int64_t fixed_bytes) const;

  Settings settings_;
  DeviceChoice device_;
  Graph graph_;
  LibTorchKernel kernel_;
  int workers_;
  at::ScalarType dtype_;
};

/// Pixels that the passes of a step over `plan` report, for progress.
int64_t pixels_to_report(const Plan& plan, const Extent& pixels, bool dice);

}  // namespace untiled
