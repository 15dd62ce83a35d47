#include "app/pipeline/engine.h"

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace untiled {
namespace {

/// Finer layers are recomputed in exports by LibTorch, whose bits depend on what is stored: they
/// would take most of the memory. Fused kernels give the same bits whatever is stored.
constexpr int64_t kInferenceFinestStored = 16;
/// Tiles for fused kernels, of which a slide has at least kFewestTiles where there are smaller
/// ones, so that the cores of a desktop have some. Their rows are vectors of 16 of every fourth
/// column, and one such column more on each side: wide, so that little is halo, and 2 times 4
/// columns less than a power of two, so that none of the vectors is nearly empty.
constexpr std::array<Extent, 4> kFusedTiles = {{{512, 1016}, {256, 1016}, {128, 1016}, {128, 504}}};
constexpr int64_t kFewestTiles = 16;
/// Of CUDA, which a small tile does not fill.
constexpr std::array<Extent, 3> kCudaTiles = {{{2048, 2048}, {1024, 1024}, {512, 512}}};
/// Of exports and validations, whose files have tiles of kInferenceTile.
constexpr Extent kFusedInferenceTile = {Engine::kInferenceTile, 2 * Engine::kInferenceTile};
constexpr Extent kCudaInferenceTile = {Engine::kInferenceTile, 8 * Engine::kInferenceTile};
/// One waits for its logits while the device computes another's, and a third writes.
constexpr int kCudaInferenceWorkers = 3;
/// Of fused kernels, which do some six multiply-adds in the time of a byte to or from main memory
/// and more in that of one of a page that the system has to clear first.
constexpr double kFusedWorkPerStoredByte = 16.0;
/// Threads' stacks and heaps, LibTorch's first use of each operation: measured.
constexpr int64_t kRuntimeBytes = 40 << 20;
constexpr int64_t kRuntimeBytesPerWorker = 12 << 20;
/// The same where fused kernels leave little to LibTorch.
constexpr int64_t kFusedRuntimeBytes = 50 << 20;
constexpr int64_t kFusedRuntimeBytesPerWorker = 8 << 20;

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
      dtype_(settings.streaming.dtype == Precision::kFloat64 ? at::kDouble : at::kFloat),
      workers_(choose_workers(settings, device_)),
      context_(std::make_shared<StreamingContext>(device_.device)) {
  if (dtype_ == at::kDouble && !device_.profile.has_float64) {
    throw ConfigError(
        fmt::format("streaming.dtype float64: {} has no float64; use float32 or device: cpu",
                    device_.profile.name));
  }
  choose_kernel();
  if (device_.is_fallback) {
    warn(device_.reason);
  } else {
    note(device_.reason);
  }
}

void Engine::choose_kernel() {
  const bool has_profile = !settings_.profile.empty() && settings_.profile != "cpu";
  const bool is_worth_it = settings_.simd != "auto" || fused::available_simd().front() != "scalar";
  const bool can_fuse = device_.device.is_cpu() && dtype_ == at::kFloat && !has_profile &&
                        settings_.kernels == KernelChoice::kAuto && is_worth_it &&
                        !fused_blocks(graph_).empty();
  if (!can_fuse) {
    if (settings_.simd != "auto") {
      warn(fmt::format("simd {} is not used: LibTorch computes this network here", settings_.simd));
    }
    kernel_ = std::make_unique<LibTorchKernel>(graph_);
    return;
  }
  auto fused = std::make_unique<FusedKernel>(graph_, settings_.simd);
  kernels_.simd = settings_.simd == "auto" ? fused::available_simd().front() : settings_.simd;
  fused_ = fused.get();
  kernel_ = std::move(fused);
}

bool Engine::fuses(const Segment& segment) const {
  return fused_ != nullptr && fused_->fuses(segment);
}

PlanRequest Engine::request(const Extent& pixels, int64_t fixed_bytes) const {
  PlanRequest request{.pixels = pixels};
  request.tile_bytes = tile_bytes(/*with_backward=*/true);
  choose_tiles(request);
  request.element_bytes = dtype_ == at::kDouble ? 8 : 4;
  request.workers = workers_;
  request.budget_bytes = settings_.memory_budget;
  // Without room for its workspaces cuDNN takes other algorithms, with other last bits.
  request.device_bytes = device_.memory_bytes * 4 / 5;
  const int64_t runtime = request.tile_bytes ? kFusedRuntimeBytes : kRuntimeBytes;
  request.fixed_bytes = fixed_bytes + runtime;
  if (request.tile_bytes) request.work_per_stored_byte = kFusedWorkPerStoredByte;
  request.worker_bytes = request.tile_bytes ? kFusedRuntimeBytesPerWorker : kRuntimeBytesPerWorker;
  request.usual_fixed_bytes = OpenOptions{}.cache_bytes + DataSettings{}.queue_bytes + runtime;
  request.has_scratch = !settings_.run.scratch.empty();
  request.limits = {device_.profile.max_elements, device_.profile.max_tensor_bytes,
                    device_.profile.max_dimension};
  return request;
}

void Engine::choose_tiles(PlanRequest& request) const {
  const int64_t side = settings_.streaming.tile.value_or(kUsualTile);
  request.tile = {side, side};
  if (settings_.streaming.tile) return;
  if (device_.device.is_cuda()) {
    request.tile = kCudaTiles.front();
    request.smaller_tiles = {kCudaTiles.begin() + 1, kCudaTiles.end()};
  }
  if (!request.tile_bytes) return;
  const auto first = std::find_if(kFusedTiles.begin(), kFusedTiles.end() - 1, [&](const Extent& t) {
    const int64_t tiles =
        ceil_div(request.pixels.rows, t.rows) * ceil_div(request.pixels.cols, t.cols);
    return tiles >= kFewestTiles;
  });
  request.tile = *first;
  request.smaller_tiles = {first + 1, kFusedTiles.end()};
}

std::function<int64_t(const Segment&, const TileRegions&)> Engine::tile_bytes(
    bool with_backward) const {
  // Where a graph has blocks, only segments that mix them with other layers are LibTorch's; the
  // planner's own estimate is right for a whole network of such.
  if (fused_ == nullptr) return {};
  for (const Segment& s : cut_segments(graph_, graph_.storable_layers())) {
    if (!fused_->fuses(s)) return {};
  }
  return [this, with_backward](const Segment& segment, const TileRegions& regions) {
    return fused_->tile_bytes(segment, regions, with_backward);
  };
}

PlannedStep Engine::plan_training(const Extent& pixels, int64_t fixed_bytes) const {
  return plan_step(graph_, request(pixels, fixed_bytes));
}

PlannedStep Engine::plan_fused_inference(PlanRequest wanted) const {
  wanted.tile = kFusedInferenceTile;
  wanted.tiling = Tiling::kFileGrid;
  wanted.smaller_tiles = {{kInferenceTile, kInferenceTile}};
  PlannedStep least_work = plan_step(graph_, wanted);
  if (least_work.workers == wanted.workers) return least_work;
  // Less that is stored may leave room for more workers. Tiles stay: sums of the loss know of them.
  Plan less = make_plan(graph_, inference_layers(graph_), least_work.plan.segments.back().tile,
                        wanted.tiling);
  PlannedStep more_workers = estimate_step(graph_, wanted, std::move(less));
  const auto work_of_one = [](const PlannedStep& p) { return p.multiply_adds / p.workers; };
  const bool is_faster = work_of_one(more_workers) < work_of_one(least_work);
  return is_faster && more_workers.memory.fits(wanted) ? more_workers : least_work;
}

PlannedStep Engine::plan_inference(const Extent& pixels, int64_t fixed_bytes) const {
  PlanRequest wanted = request(pixels, fixed_bytes);
  wanted.with_backward = false;
  wanted.tile_bytes = tile_bytes(/*with_backward=*/false);
  if (wanted.tile_bytes) return plan_fused_inference(std::move(wanted));
  wanted.smaller_tiles = {};
  wanted.tile = {kInferenceTile, kInferenceTile};
  if (device_.device.is_cuda()) {
    wanted.tile = kCudaInferenceTile;
    wanted.workers = kCudaInferenceWorkers;
  }
  wanted.tiling = Tiling::kLattice;
  Plan plan = make_plan(graph_, inference_layers(graph_), wanted.tile, wanted.tiling);
  PlannedStep planned = estimate_step(graph_, wanted, plan);
  if (planned.memory.fits(wanted)) return planned;
  if (wanted.has_scratch) {
    plan.spilled = plan.stored;
    planned = estimate_step(graph_, wanted, plan);
    if (planned.memory.fits(wanted)) return planned;
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
  options.context = context_;
  context_->pages->limit(planned.memory.stored_bytes);
  options.on_pixels = std::move(on_pixels);
  return {graph_, planned.plan, *kernel_, options};
}

double Engine::measure_seconds(const PlannedStep& planned, const Extent& pixels) const {
  const std::vector<Extent> extents = graph_.extents(pixels);
  std::vector<at::Tensor> parameters = initial_parameters(graph_, 0).tensors;
  for (at::Tensor& p : parameters) p = p.to(device_.device, dtype_);
  double total = 0.0;
  for (const SegmentPlan& s : planned.plan.segments) {
    const Extent target = extents[static_cast<size_t>(s.segment.target)];
    const Region out = clip(whole(s.tile), target);
    const double seconds = measure_tile(s.segment, extents, parameters, out);
    total += seconds * static_cast<double>(target.area()) / static_cast<double>(out.area());
  }
  return total / planned.workers;
}

double Engine::measure_tile(const Segment& segment, const std::vector<Extent>& extents,
                            const std::vector<at::Tensor>& parameters, const Region& out) const {
  const auto options = at::TensorOptions().dtype(dtype_).device(device_.device);
  const TileRegions need = tile_regions(graph_, segment, extents, out);
  LayerTensors crops(graph_.layers().size());
  for (const LayerId id : segment.inputs) {
    const Extent e = need[static_cast<size_t>(id)].extent();
    crops[static_cast<size_t>(id)] =
        id == 0 ? at::randint(256, {e.rows, e.cols, 3}, options.dtype(at::kByte))
                : at::rand({1, graph_.layer(id).channels, e.rows, e.cols}, options);
  }
  const int64_t channels = graph_.layer(segment.target).channels;
  const at::Tensor gradient = at::rand({1, channels, out.rows.size(), out.cols.size()}, options);
  const at::Tensor labels =
      at::randint(2, {out.rows.size(), out.cols.size()}, options.dtype(at::kByte));
  const bool is_last = segment.target == graph_.output();
  const auto loss = make_loss(settings_.train.loss, channels, class_weights(settings_.data),
                              device_.profile.has_float64);
  const LossSums totals(static_cast<size_t>(loss->sum_count()), 1.0);

  const auto run = [&] {
    if (is_last) {
      if (loss->needs_totals()) {
        finish(kernel_->loss_sums(segment, need, extents, parameters, crops, labels, *loss));
      }
      return kernel_
          ->loss_backward(segment, need, extents, parameters, crops, labels, *loss, totals)
          .gradients;
    }
    // Once to be stored, and once more on the way back.
    finish(kernel_->forward(segment, need, extents, parameters, crops));
    return kernel_->backward(segment, need, extents, parameters, crops, gradient);
  };
  using Clock = std::chrono::steady_clock;
  double least = 0.0;
  // The first run warms up; all run as in a worker, on one thread.
  run_tiles(
      context_->workers, 3, 1,
      [&](size_t /*run*/) {
        const auto start = Clock::now();
        for (const at::Tensor& g : run().parameters) {
          if (g.defined()) finish(g);
        }
        return std::chrono::duration<double>(Clock::now() - start).count();
      },
      [&](size_t count, double spent) {
        if (count > 0) least = count == 1 ? spent : std::min(least, spent);
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
