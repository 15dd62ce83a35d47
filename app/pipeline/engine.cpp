#include "app/pipeline/engine.h"

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <fmt/format.h>

#include <algorithm>

#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stopwatch.h"
#include "lib/run/window_pieces.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace untiled {
namespace {

/// From so many workers on they would wait for each other without room for a band more.
constexpr int kManyWorkers = 8;

constexpr int64_t kRoundingBytes = 16 << 20;

/// Waits for a GPU, which computes while the program goes on.
void finish(const at::Tensor& result) {
  if (!result.is_cpu()) result.flatten().narrow(0, 0, 1).to(at::kCPU);
}

std::unique_ptr<KernelBackend> backend_of(const Settings& settings, const DeviceChoice& device,
                                          at::ScalarType dtype, const Graph& graph) {
  const bool has_profile = !settings.profile.empty() && settings.profile != "cpu";
  BackendWish wish{.device = device.device, .simd = settings.simd};
  wish.wants_fused = dtype == at::kFloat && !has_profile && settings.kernels == KernelChoice::kAuto;
  std::unique_ptr<KernelBackend> backend = choose_backend(graph, wish);
  if (backend->simd().empty() && settings.simd != "auto") {
    warn(fmt::format("simd {} is not used: LibTorch computes this network here", settings.simd));
  }
  return backend;
}

}  // namespace

SlideShape shape_of(const PixelSource& source) { return {source.extent(), access_of(source)}; }

Engine::Engine(const Settings& settings, int64_t logit_channels)
    : settings_(settings),
      device_(choose_device(settings.device, settings.profile,
                            settings.streaming.dtype == Precision::kFloat64)),
      graph_(unet_graph(settings.model, logit_channels)),
      dtype_(settings.streaming.dtype == Precision::kFloat64 ? at::kDouble : at::kFloat),
      backend_(backend_of(settings, device_, dtype_, graph_)),
      workers_(backend_->workers(settings.threads > 0 ? settings.threads : usable_cores())),
      context_(std::make_shared<StreamingContext>(device_.device)) {
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

int Engine::readers() const {
  return static_cast<int>(settings_.data.workers.value_or(backend_->readers()));
}

Purpose Engine::training_purpose() const {
  return settings_.train.loss == LossKind::kBce ? Purpose::kGradients
                                                : Purpose::kGradientsWithTotals;
}

std::vector<Order> Engine::orders() const {
  switch (settings_.streaming.schedule) {
    case ScheduleChoice::kSweep:
      return {Order::kSweep};
    case ScheduleChoice::kPasses:
      return {Order::kPasses};
    case ScheduleChoice::kAuto:
      break;
  }
  return {Order::kSweep, Order::kPasses};
}

PlanRequest Engine::request(const SlideShape& slide, const MemoryLedger& fixed,
                            Purpose purpose) const {
  PlanRequest request{.pixels = slide.extent, .fixed = fixed};
  request.purpose = purpose;
  request.access = slide.access;
  if (readers() > 0) request.access.spare_bytes = settings_.data.queue_bytes;
  request.orders = orders();
  request.tiles = [this, pixels = slide.extent](Order order) {
    const auto& side = settings_.streaming.tile;
    return side ? std::vector<Extent>{{*side, *side}} : backend_->training_tiles(order, pixels);
  };
  request.tile_bytes = backend_->tile_bytes(purpose != Purpose::kPrediction);
  request.kept = [this](const Segment& segment) { return backend_->kept(segment); };
  request.element_bytes = dtype_ == at::kDouble ? 8 : 4;
  request.workers = workers_;
  // Where decoded pixels are held anyway, a band more is little beside them.
  const bool has_room = workers_ > 1 && slide.access.are_kept;
  request.spare_bands = has_room || workers_ >= kManyWorkers ? 1 : 0;
  request.budget_bytes = settings_.memory_budget;
  // Without room for its workspaces cuDNN takes other algorithms, with other last bits.
  request.device_bytes = device_.memory_bytes * 4 / 5;
  request.fixed[Holder::kRuntime] += backend_->runtime_bytes();
  request.worker_bytes = backend_->runtime_bytes_per_worker();
  request.usual_fixed_bytes = OpenOptions{}.cache_bytes + backend_->runtime_bytes();
  request.work_per_stored_byte = backend_->work_per_stored_byte();
  request.work_per_decoded_pixel = backend_->work_per_decoded_pixel();
  request.has_scratch = !settings_.run.scratch.empty();
  request.limits = {device_.profile.max_elements, device_.profile.max_tensor_bytes,
                    device_.profile.max_dimension};
  return request;
}

PlannedStep Engine::plan_training(const SlideShape& slide, const MemoryLedger& fixed) const {
  return plan_step(graph_, request(slide, fixed, training_purpose()));
}

PlannedStep Engine::plan_inference(const SlideShape& slide, const MemoryLedger& fixed,
                                   MaskUse use) const {
  const InferenceShape shape = backend_->inference_shape(use);
  PlanRequest wanted = request(slide, fixed, Purpose::kPrediction);
  wanted.workers = backend_->inference_workers(workers_);
  wanted.tiles = [tiles = shape.tiles](Order /*order*/) { return tiles; };
  wanted.tiling = shape.tiling;
  return shape.has_fixed_layers ? plan_with_fixed_layers(std::move(wanted), shape)
                                : plan_any_layers(wanted);
}

PlannedStep Engine::plan_shared_inference(const SlideShape& slide, const MemoryLedger& fixed,
                                          MaskUse use) const {
  constexpr int64_t kPixelsAcross = 2048;
  constexpr int64_t kLeastCols = 8;
  PlannedStep planned = plan_inference(slide, fixed, use);
  if (backend_->inference_shape(use).has_fixed_layers) return planned;
  std::vector<SegmentPlan>& segments = planned.plan.segments;
  for (size_t s = 0; s + 1 < segments.size(); ++s) {
    const int64_t cols = kPixelsAcross / graph_.stride(segments[s].segment.target);
    segments[s].tile.cols = std::min(segments[s].tile.cols, std::max(kLeastCols, cols));
  }
  return planned;
}

PlannedStep Engine::plan_any_layers(const PlanRequest& wanted) const {
  PlannedStep least_work = plan_step(graph_, wanted);
  if (least_work.workers == wanted.workers) return least_work;
  // Less that is stored may leave room for more workers. Tiles stay: sums of the loss know of them.
  Plan less = make_plan(graph_, {}, least_work.plan.segments.back().tile, wanted.tiling,
                        least_work.plan.order);
  PlannedStep more_workers = estimate_step(graph_, wanted, std::move(less));
  const auto work_of_one = [](const PlannedStep& p) { return p.multiply_adds / p.workers; };
  const bool is_faster = work_of_one(more_workers) < work_of_one(least_work);
  return is_faster && fits(more_workers.memory, wanted) ? more_workers : least_work;
}

PlannedStep Engine::plan_with_fixed_layers(PlanRequest wanted, const InferenceShape& shape) const {
  int64_t least = 0;
  for (const Order order : wanted.orders) {
    Plan plan = make_plan(graph_, shape.fixed_layers, shape.tiles.front(), shape.tiling, order);
    for (const bool spills : {false, true}) {
      if (spills && (!wanted.has_scratch || order == Order::kSweep)) continue;
      if (spills) plan.spilled = plan.stored;
      PlannedStep planned = estimate_step(graph_, wanted, plan);
      if (fits(planned.memory, wanted)) return planned;
      const int64_t needed = planned.memory.total_bytes();
      least = least == 0 ? needed : std::min(least, needed);
    }
  }
  throw BudgetError(wanted, least);
}

Executor Engine::executor(const PlannedStep& planned, std::function<void(int64_t)> on_pixels,
                          ExecutorUse use) const {
  ExecutorOptions options{.device = device_.device, .dtype = dtype_};
  options.has_float64 = device_.profile.has_float64;
  options.max_dimension = std::min(options.max_dimension, device_.profile.max_dimension);
  options.workers = planned.workers;
  options.readers = readers();
  options.spare_bands = planned.spare_bands;
  options.spare_pixel_bytes = options.readers > 0 ? settings_.data.queue_bytes : 0;
  options.scratch = settings_.run.scratch;
  options.context = context_;
  context_->pages->limit(planned.memory[Holder::kStored]);
  // Rings are whole pages of whole rows, a little more than what was planned.
  const int64_t rings = planned.memory[Holder::kStored] + planned.memory[Holder::kPixels];
  context_->rings->limit(rings + rings / 8 + kRoundingBytes);
  options.on_pixels = std::move(on_pixels);
  options.ranks = use.ranks;
  options.layout = use.layout ? *use.layout : parse_rank_layout(settings_.ranks.layout);
  options.link = use.link;
  options.decoding = std::move(use.decoding);
  return {graph_, planned.plan, backend_->kernel(), options};
}

int64_t Engine::reported_pixels(const Plan& plan, const Extent& pixels, Purpose purpose) const {
  return pixels.area() * tasks_that_read_pixels(graph_, plan, graph_.extents(pixels), purpose);
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
    const Extent e = need[index(id)].extent();
    crops[index(id)] = id == kPixelLayer
                           ? at::randint(256, {e.rows, e.cols, 3}, options.dtype(at::kByte))
                           : at::rand({1, graph_.layer(id).channels, e.rows, e.cols}, options);
  }
  const int64_t channels = graph_.layer(segment.target).channels;
  const at::Tensor gradient = at::rand({1, channels, out.rows.size(), out.cols.size()}, options);
  const at::Tensor labels =
      at::randint(2, {out.rows.size(), out.cols.size()}, options.dtype(at::kByte));
  const bool is_last = segment.target == graph_.output();
  const auto loss = make_loss(settings_.train.loss, channels, class_weights(settings_.data.classes),
                              device_.profile.has_float64);
  const LossSums totals(static_cast<size_t>(loss->sum_count()), 1.0);

  const TileRequest tile{segment, need, extents, parameters, std::move(crops)};
  const SegmentKernel& kernel = backend_->kernel();
  const auto run = [&] {
    if (is_last) {
      if (loss->needs_totals()) {
        finish(kernel.loss_sums(tile, labels, *loss));
      }
      return kernel.loss_backward(tile, labels, *loss, totals).gradients;
    }
    // Once to be stored, and once more on the way back.
    finish(kernel.forward(tile));
    return kernel.backward(tile, gradient);
  };
  double least = 0.0;
  // The first run warms up; all run as in a worker, on one thread.
  run_all(context_->workers, 3, 1, [&](size_t count) {
    const Stopwatch watch;
    for (const at::Tensor& g : run().parameters) {
      if (g.defined()) finish(g);
    }
    const double spent = watch.seconds();
    if (count > 0) least = count == 1 ? spent : std::min(least, spent);
  });
  return least;
}

}  // namespace untiled
