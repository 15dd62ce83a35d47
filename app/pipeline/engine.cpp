#include "app/pipeline/engine.h"

#include <ATen/ops/rand.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/streaming/tile_workers.h"
#include "models/unet.h"

namespace untiled {
namespace {

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

/// Waits for a GPU, which computes while the program goes on.
void finish(const at::Tensor& result) {
  if (!result.is_cpu()) result.flatten().narrow(0, 0, 1).to(at::kCPU);
}

int choose_workers(const Settings& settings, const DeviceChoice& device) {
  if (!device.device.is_cpu()) return 1;  // The device itself is the parallel unit.
  return settings.threads > 0 ? settings.threads : usable_cores();
}

}  // namespace

Engine::Engine(const Settings& settings, int64_t logit_channels)
    : settings_(settings),
      device_(choose_device(settings.device, settings.profile,
                            settings.streaming.dtype == Precision::kFloat64)),
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
  request.fixed_bytes = fixed_bytes + kRuntimeBytes;
  request.worker_bytes = kRuntimeBytesPerWorker;
  request.usual_fixed_bytes =
      OpenOptions{}.cache_bytes + DataSettings{}.queue_bytes + kRuntimeBytes;
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
  throw BudgetError(wanted, planned.memory.total_bytes());
}

Executor Engine::executor(const PlannedStep& planned,
                          std::function<void(int64_t)> on_pixels) const {
  ExecutorOptions options{.device = device_.device, .dtype = dtype_};
  options.has_float64 = device_.profile.has_float64;
  options.max_dimension = std::min(options.max_dimension, device_.profile.max_dimension);
  options.workers = planned.workers;
  options.scratch = settings_.run.scratch;
  options.on_pixels = std::move(on_pixels);
  return {graph_, planned.plan, kernel_, options};
}

double Engine::measure_seconds(const PlannedStep& planned, const Extent& pixels,
                               int loss_passes) const {
  const std::vector<Extent> extents = graph_.extents(pixels);
  std::vector<at::Tensor> parameters = initial_parameters(graph_, 0).tensors;
  for (at::Tensor& p : parameters) p = p.to(device_.device, dtype_);
  double total = 0.0;
  for (const SegmentPlan& s : planned.plan.segments) {
    const Extent target = extents[static_cast<size_t>(s.segment.target)];
    const Region out = clip(whole(s.tile), target);
    // An inner segment runs forward once to be stored and once more on the way back.
    const int forward_passes = s.segment.target == graph_.output() ? loss_passes : 2;
    const double seconds = measure_tile(s.segment, extents, parameters, out, forward_passes);
    total += seconds * static_cast<double>(target.area()) / static_cast<double>(out.area());
  }
  return total / planned.workers;
}

double Engine::measure_tile(const Segment& segment, const std::vector<Extent>& extents,
                            const std::vector<at::Tensor>& parameters, const Region& out,
                            int forward_passes) const {
  using Clock = std::chrono::steady_clock;
  const auto options = at::TensorOptions().dtype(dtype_).device(device_.device);
  const TileRegions need = tile_regions(graph_, segment, extents, out);
  LayerTensors crops(graph_.layers().size());
  for (const LayerId id : segment.inputs) {
    const Extent e = need[static_cast<size_t>(id)].extent();
    crops[static_cast<size_t>(id)] =
        at::rand({1, graph_.layer(id).channels, e.rows, e.cols}, options);
  }
  double least = 0.0;
  // The first run warms up; all run as in a worker, on one thread.
  run_tiles(
      3, 1,
      [&](size_t /*run*/) {
        const auto start = Clock::now();
        LayerTensors values =
            kernel_.forward(segment, need, extents, parameters, crops, /*keep=*/true);
        const at::Tensor result = values[static_cast<size_t>(segment.target)];
        finish(result);
        const std::chrono::duration<double> forward = Clock::now() - start;
        const at::Tensor gradient = at::rand(result.sizes(), options);
        const auto middle = Clock::now();
        const TileGradients gradients =
            kernel_.backward(segment, need, extents, parameters, std::move(values), gradient);
        for (const at::Tensor& g : gradients.parameters) {
          if (g.defined()) finish(g);
        }
        const std::chrono::duration<double> backward = Clock::now() - middle;
        return forward_passes * forward.count() + backward.count();
      },
      [&](size_t run, double spent) {
        if (run > 0) least = run == 1 ? spent : std::min(least, spent);
      });
  return least;
}

int64_t step_pixels(const Plan& plan, const Extent& pixels, bool dice) {
  int64_t passes = dice ? 2 : 1;
  for (const SegmentPlan& s : plan.segments) {
    const bool last = &s == &plan.segments.back();
    if (!last && s.segment.reads_pixels()) passes += 2;
  }
  return passes * pixels.area();
}

int64_t forward_pixels(const Plan& plan, const Extent& pixels) {
  const auto passes = std::count_if(plan.segments.begin(), plan.segments.end(),
                                    [](const SegmentPlan& s) { return s.segment.reads_pixels(); });
  return passes * pixels.area();
}

}  // namespace untiled
