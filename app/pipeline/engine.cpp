#include "app/pipeline/engine.h"

#include <ATen/ops/rand.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/streaming/tile_workers.h"
#include "models/unet.h"

namespace untiled {
namespace {

/// Of exports and validations; a setting would change the last bits of their results.
constexpr int64_t kInferenceTile = 512;
/// Finer layers are recomputed in exports: they would take most of the memory.
constexpr int64_t kInferenceFinestStored = 16;
/// Threads' stacks and heaps, LibTorch's first use of each operation: measured.
constexpr int64_t kRuntimeBytes = 40 << 20;
constexpr int64_t kRuntimeBytesPerWorker = 12 << 20;

std::vector<LayerId> inference_layers(const Graph& graph) {
  std::vector<LayerId> ids;
  for (const LayerId id : graph.storable_layers()) {
    if (graph.stride(id) >= kInferenceFinestStored) ids.push_back(id);
  }
  return ids;
}

int choose_workers(const Settings& settings, const DeviceChoice& device) {
  if (!device.device.is_cpu()) return 1;  // The device itself is the parallel unit.
  return settings.threads > 0 ? settings.threads : usable_cores();
}

}  // namespace

Engine::Engine(const Settings& settings, int64_t logit_channels)
    : settings_(settings),
      device_(choose_device(settings.device, settings.profile)),
      graph_(unet_graph(settings.model, logit_channels)),
      kernel_(graph_),
      workers_(choose_workers(settings, device_)),
      dtype_(settings.streaming.dtype == Precision::kFloat64 ? at::kDouble : at::kFloat) {
  if (dtype_ == at::kDouble && !device_.profile.has_float64) {
    throw ConfigError(
        fmt::format("streaming.dtype float64: {} has no float64; use float32 or device: cpu",
                    device_.profile.name));
  }
  if (device_.is_fallback) {
    warn(device_.reason);
  } else {
    note(device_.reason);
  }
}

PlanRequest Engine::request(const Extent& pixels, int64_t fixed_bytes) const {
  PlanRequest request{.pixels = pixels, .tile = settings_.streaming.tile};
  request.element_bytes = dtype_ == at::kDouble ? 8 : 4;
  request.workers = workers_;
  request.budget_bytes = settings_.memory_budget;
  request.fixed_bytes = fixed_bytes + kRuntimeBytes + kRuntimeBytesPerWorker * workers_;
  request.has_scratch = !settings_.run.scratch.empty();
  request.limits = {device_.profile.max_elements, device_.profile.max_tensor_bytes,
                    device_.profile.max_dimension};
  return request;
}

PlannedStep Engine::plan_training(const Extent& pixels, int64_t fixed_bytes) const {
  return plan_step(graph_, request(pixels, fixed_bytes));
}

PlannedStep Engine::plan_inference(const Extent& pixels, int64_t fixed_bytes) const {
  PlanRequest wanted = request(pixels, fixed_bytes);
  wanted.with_backward = false;
  wanted.tiling = Tiling::kLattice;
  wanted.tile = kInferenceTile;
  Plan plan = make_plan(graph_, inference_layers(graph_), kInferenceTile, Tiling::kLattice);
  PlannedStep planned = estimate_step(graph_, wanted, plan);
  if (planned.memory.total_bytes() <= wanted.budget_bytes) return planned;
  if (wanted.has_scratch) {
    plan.spilled = plan.stored;
    planned = estimate_step(graph_, wanted, plan);
    if (planned.memory.total_bytes() <= wanted.budget_bytes) return planned;
  }
  throw ConfigError(
      fmt::format("memory_budget {} is too small to run the network over {}: {} is "
                  "needed, or a folder in run.scratch",
                  format_bytes(wanted.budget_bytes), to_string(pixels),
                  format_bytes(planned.memory.total_bytes())));
}

Executor Engine::executor(const Plan& plan, std::function<void(int64_t)> on_pixels) const {
  ExecutorOptions options{.device = device_.device, .dtype = dtype_};
  options.has_float64 = device_.profile.has_float64;
  options.max_dimension = std::min(options.max_dimension, device_.profile.max_dimension);
  options.workers = workers_;
  options.scratch = settings_.run.scratch;
  options.on_pixels = std::move(on_pixels);
  return {graph_, plan, kernel_, options};
}

double Engine::measure_seconds(const Plan& plan, const Extent& pixels, bool with_backward) const {
  const std::vector<Extent> extents = graph_.extents(pixels);
  std::vector<at::Tensor> parameters = initial_parameters(graph_, 0).tensors;
  for (at::Tensor& p : parameters) p = p.to(device_.device, dtype_);
  const auto options = at::TensorOptions().dtype(dtype_).device(device_.device);
  double total = 0.0;
  for (const SegmentPlan& s : plan.segments) {
    const Extent target = extents[static_cast<size_t>(s.segment.target)];
    const Region out = clip(whole(s.tile), target);
    const TileRegions need = tile_regions(graph_, s.segment, extents, out);
    double seconds = 0.0;
    // The first tile warms up; all run as in a worker, on one thread.
    run_tiles(
        3, 1,
        [&](size_t /*tile*/) {
          LayerTensors crops(graph_.layers().size());
          for (const LayerId id : s.segment.inputs) {
            const Extent e = need[static_cast<size_t>(id)].extent();
            crops[static_cast<size_t>(id)] =
                at::rand({1, graph_.layer(id).channels, e.rows, e.cols}, options);
          }
          const auto start = std::chrono::steady_clock::now();
          LayerTensors values =
              kernel_.forward(s.segment, need, extents, parameters, crops, with_backward);
          const auto middle = std::chrono::steady_clock::now();
          if (with_backward) {
            const at::Tensor gradient =
                at::rand(values[static_cast<size_t>(s.segment.target)].sizes(), options);
            kernel_.backward(s.segment, need, extents, parameters, std::move(values), gradient);
          }
          const auto end = std::chrono::steady_clock::now();
          const std::chrono::duration<double> forward = middle - start;
          const std::chrono::duration<double> all = end - start;
          const bool twice = with_backward && s.segment.target != graph_.output();
          return all.count() + (twice ? forward.count() : 0.0);
        },
        [&](size_t tile, double spent) {
          if (tile > 0) seconds = tile == 1 ? spent : std::min(seconds, spent);
        });
    total += seconds * static_cast<double>(target.area()) / static_cast<double>(out.area());
  }
  return total / workers_;
}

int64_t pixels_to_report(const Plan& plan, const Extent& pixels, bool dice) {
  int64_t passes = dice ? 2 : 1;
  for (const SegmentPlan& s : plan.segments) {
    const bool last = &s == &plan.segments.back();
    if (!last && s.segment.reads_pixels()) passes += 2;
  }
  return passes * pixels.area();
}

}  // namespace untiled
