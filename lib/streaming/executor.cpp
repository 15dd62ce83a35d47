#include "lib/streaming/executor.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "lib/core/error.h"
#include "lib/core/stopwatch.h"
#include "lib/streaming/crop_planes.h"
#include "lib/streaming/download.h"
#include "lib/streaming/ordered_sum.h"

namespace untiled {
namespace {

constexpr int64_t kCudaBlockBytes = 32 << 20;

size_t index(LayerId id) { return static_cast<size_t>(id); }

at::Tensor narrow(const at::Tensor& t, const Region& region, const Region& origin) {
  return t.narrow(-2, region.rows.begin - origin.rows.begin, region.rows.size())
      .narrow(-1, region.cols.begin - origin.cols.begin, region.cols.size());
}

/// The time of a pass, what the device still has to do for it included.
class PassTimer {
 public:
  PassTimer(std::map<std::string, double>& seconds, std::string name, const Upload& device)
      : seconds_(seconds), name_(std::move(name)), device_(device) {}
  ~PassTimer() {
    device_.wait();
    seconds_[name_] += watch_.seconds();
  }
  PassTimer(const PassTimer&) = delete;
  PassTimer& operator=(const PassTimer&) = delete;

 private:
  std::map<std::string, double>& seconds_;
  std::string name_;
  const Upload& device_;
  Stopwatch watch_;
};

void mark_missing(const Bytes& missing, Bytes& classes) {
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] != 0) classes[i] = kIgnoredLabel;
  }
}

/// Labels of the tile's own pixels on what it computes, kIgnoredLabel around them.
Bytes only_own(const Bytes& own, const Tile& tile) {
  PixelBlock all{.region = tile.compute, .channels = 1, .bytes = {}, .missing = {}};
  all.bytes.assign(static_cast<size_t>(tile.compute.area()), kIgnoredLabel);
  copy_overlap({.region = tile.own, .channels = 1, .bytes = own, .missing = {}}, all);
  return std::move(all.bytes);
}

at::Tensor byte_plane(Bytes bytes, const Extent& e) {
  auto held = std::make_shared<Bytes>(std::move(bytes));
  return at::from_blob(
      held->data(), {e.rows, e.cols}, [held](void* /*data*/) mutable { held.reset(); },
      at::TensorOptions().dtype(at::kByte));
}

/// One slide on its way through the network: its extents, stored tensors and passes.
class SlideRun {
 public:
  SlideRun(const Graph& graph, const Plan& plan, const SegmentKernel& kernel,
           const ExecutorOptions& options, const std::vector<at::Tensor>& parameters,
           const PixelFeed& image)
      : graph_(graph),
        plan_(plan),
        kernel_(kernel),
        options_(options),
        context_(*options.context),
        image_(image),
        extents_(graph.extents(image.extent())),
        values_(graph.layers().size()),
        gradients_(graph.layers().size()) {
    if (image.extent().empty()) throw DataError("a slide without pixels cannot be streamed");
    for (const at::Tensor& p : parameters) {
      parameters_.push_back(p.detach().to(options.device, options.dtype));
    }
    for (const SegmentPlan& s : plan.segments) {
      tiles_.push_back(make_tiles(extents_[index(s.segment.target)], s, plan.tiling));
      active_.emplace_back(tiles_.back().size(), true);
    }
  }

  StepResult step(const PixelSource& labels, const PixelLoss& loss);
  void forward(const LogitsWork& consume);
  void predict(const PredictionRequest& request, const PixelSource* labels,
               const PredictionWork& consume);

 private:
  struct TileWork {
    LayerTensors crops;
    Bytes missing;  ///< Of the tile's own pixels, for the last segment.
  };
  struct TileOutcome {
    TileGradients gradients;
    TileRegions regions;
    at::Tensor sums;
  };

  size_t last() const { return plan_.segments.size() - 1; }
  const Segment& segment(size_t s) const { return plan_.segments[s].segment; }
  std::string name(size_t s) const { return graph_.layer(segment(s).target).name; }

  std::vector<size_t> active_tiles(size_t s) const;
  TileRegions regions(size_t s, size_t tile) const {
    return tile_regions(graph_, segment(s), extents_, tiles_[s][tile].compute);
  }
  std::unique_ptr<RegionPass> begin_pixels(size_t s, const std::vector<size_t>& tiles) const;
  TileWork load(size_t s, size_t tile, const TileRegions& need, RegionPass* pixels,
                size_t position) const;
  at::Tensor to_device(const PixelView& pixels) const;
  at::Tensor label_tile(const PixelSource& labels, const Region& region,
                        const Bytes& missing) const;
  SlideStore& store(std::vector<std::unique_ptr<SlideStore>>& stores, LayerId id) const;

  int64_t find_active(const PixelSource& labels);
  void spread_activity();
  void forward_segment(size_t s);
  void forward_inner_segments(std::map<std::string, double>& seconds);
  template <typename Compute>
  void for_last_tiles(Compute compute);
  LossSums loss_totals(const PixelSource& labels, const PixelLoss& loss);
  void loss_and_backward(const PixelSource& labels, const PixelLoss& loss, const LossSums& totals,
                         OrderedSum& parameter_sums, OrderedSum& loss_sums);
  void backward_segment(size_t s, OrderedSum& parameter_sums);
  void add_input_gradients(size_t s, const TileOutcome& outcome);
  bool begins_row(size_t position, const std::vector<size_t>& tiles) const;
  void release_after_last(size_t first_remaining_tile);
  void release_values(size_t s);
  bool used_only_by_last(LayerId id) const;

  const Graph& graph_;
  const Plan& plan_;
  const SegmentKernel& kernel_;
  const ExecutorOptions& options_;
  StreamingContext& context_;
  const PixelFeed& image_;
  std::vector<at::Tensor> parameters_;
  std::vector<Extent> extents_;
  std::vector<std::unique_ptr<SlideStore>> values_;     ///< By LayerId, stored layers only.
  std::vector<std::unique_ptr<SlideStore>> gradients_;  ///< By LayerId, stored layers only.
  std::vector<std::vector<Tile>> tiles_;                ///< By segment.
  std::vector<std::vector<bool>> active_;               ///< By segment and tile.
};

std::vector<size_t> SlideRun::active_tiles(size_t s) const {
  std::vector<size_t> tiles;
  for (size_t t = 0; t < tiles_[s].size(); ++t) {
    if (active_[s][t]) tiles.push_back(t);
  }
  return tiles;
}

std::unique_ptr<RegionPass> SlideRun::begin_pixels(size_t s,
                                                   const std::vector<size_t>& tiles) const {
  if (!segment(s).reads_pixels()) return nullptr;
  std::vector<Region> needed;
  needed.reserve(tiles.size());
  for (const size_t tile : tiles) needed.push_back(regions(s, tile)[0]);
  return image_.begin(std::move(needed));
}

/// [rows, cols, 3] uint8; on a CPU without a copy.
at::Tensor SlideRun::to_device(const PixelView& pixels) const {
  const Extent e = pixels.region.extent();
  // LibTorch has no tensors of what must not be written; nothing writes to this one.
  return context_.upload(at::from_blob(
      const_cast<uint8_t*>(pixels.data),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      {e.rows, e.cols, pixels.channels}, {pixels.row_stride, pixels.channels, 1},
      [owner = pixels.owner](void* /*data*/) mutable { owner.reset(); },
      at::TensorOptions().dtype(at::kByte)));
}

SlideRun::TileWork SlideRun::load(size_t s, size_t tile, const TileRegions& need,
                                  RegionPass* pixels, size_t position) const {
  TileWork work{.crops = LayerTensors(graph_.layers().size()), .missing = {}};
  for (const LayerId id : segment(s).inputs) {
    if (id != 0) {
      work.crops[index(id)] = values_[index(id)]->view(need[index(id)]);
      continue;
    }
    PixelView view = pixels->take(position);
    if (s == last()) {
      work.missing = crop_planes(view.missing, view.region, tiles_[s][tile].compute);
    }
    work.crops[0] = to_device(view);
  }
  return work;
}

at::Tensor SlideRun::label_tile(const PixelSource& labels, const Region& region,
                                const Bytes& missing) const {
  PixelBlock block = labels.read(region);
  mark_missing(missing, block.bytes);
  return context_.upload(byte_plane(std::move(block.bytes), region.extent()));
}

SlideStore& SlideRun::store(std::vector<std::unique_ptr<SlideStore>>& stores, LayerId id) const {
  auto& held = stores[index(id)];
  if (!held) {
    const bool spilled =
        std::find(plan_.spilled.begin(), plan_.spilled.end(), id) != plan_.spilled.end();
    StoreOptions options{.device = options_.device, .dtype = options_.dtype};
    options.max_dimension = options_.max_dimension;
    // A copy takes a GPU some microseconds, however small.
    if (options_.device.is_cuda()) options.block_bytes = kCudaBlockBytes;
    options.pages = context_.pages;
    if (spilled) options.scratch = options_.scratch;
    held = std::make_unique<SlideStore>(graph_.layer(id).channels, extents_[index(id)], options);
  }
  return *held;
}

// ---- which tiles any weighted pixel can reach --------------------------------------------------

int64_t SlideRun::find_active(const PixelSource& labels) {
  const auto& tiles = tiles_[last()];
  std::vector<char> weighted(tiles.size(), 0);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t t) {
        const PixelBlock block = labels.read(tiles[t].compute);
        return std::any_of(block.bytes.begin(), block.bytes.end(),
                           [](uint8_t label) { return label != kIgnoredLabel; });
      },
      [&](size_t t, bool any) { weighted[t] = any ? 1 : 0; });
  for (size_t t = 0; t < tiles.size(); ++t) active_[last()][t] = weighted[t] != 0;
  spread_activity();
  return std::count(weighted.begin(), weighted.end(), 0);
}

void SlideRun::spread_activity() {
  for (size_t s = 0; s < last(); ++s) std::fill(active_[s].begin(), active_[s].end(), false);
  for (size_t s = last(); s > 0; --s) {
    for (const size_t tile : active_tiles(s)) {
      const TileRegions need = regions(s, tile);
      for (size_t source = 0; source < s; ++source) {
        const LayerId id = segment(source).target;
        if (!segment(s).reads(id) || need[index(id)].empty()) continue;
        for (const size_t owner :
             tiles_owning(need[index(id)], extents_[index(id)], plan_.segments[source])) {
          active_[source][owner] = true;
        }
      }
    }
  }
}

// ---- forward -----------------------------------------------------------------------------------

void SlideRun::forward_segment(size_t s) {
  const std::vector<size_t> tiles = active_tiles(s);
  const auto pixels = begin_pixels(s, tiles);
  SlideStore& target = store(values_, segment(s).target);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t position) {
        const size_t tile = tiles[position];
        const TileRegions need = regions(s, tile);
        TileWork work = load(s, tile, need, pixels.get(), position);
        const at::Tensor value =
            kernel_.forward(segment(s), need, extents_, parameters_, std::move(work.crops));
        const Tile& t = tiles_[s][tile];
        // Tiles own what they write, so no order is needed here.
        target.write(t.own, narrow(value, t.own, t.compute));
        return true;
      },
      [&](size_t position, bool) {
        const int64_t stride = graph_.stride(segment(s).target);
        if (options_.on_pixels && segment(s).reads_pixels()) {
          options_.on_pixels(tiles_[s][tiles[position]].own.area() * stride * stride);
        }
      });
}

void SlideRun::forward_inner_segments(std::map<std::string, double>& seconds) {
  for (size_t s = 0; s < last(); ++s) {
    const PassTimer timer(seconds, name(s) + " forward", context_.upload);
    forward_segment(s);
  }
}

/// Computes the stored layers, then `compute(tile, regions, work)` for each tile of the last
/// segment; what that returns is called in the order of the tiles.
template <typename Compute>
void SlideRun::for_last_tiles(Compute compute) {
  std::map<std::string, double> seconds;
  forward_inner_segments(seconds);
  const std::vector<size_t> tiles = active_tiles(last());
  const auto pixels = begin_pixels(last(), tiles);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t tile) {
        const TileRegions need = regions(last(), tile);
        return compute(tiles_[last()][tile], need, load(last(), tile, need, pixels.get(), tile));
      },
      [&](size_t tile, const std::function<void()>& commit) {
        commit();
        if (options_.on_pixels) options_.on_pixels(tiles_[last()][tile].own.area());
      });
}

void SlideRun::forward(const LogitsWork& consume) {
  for_last_tiles([&](const Tile& tile, const TileRegions& need, TileWork work) {
    const at::Tensor logits =
        kernel_.forward(segment(last()), need, extents_, parameters_, std::move(work.crops));
    return consume(tile.own, to_host(narrow(logits, tile.own, tile.compute)));
  });
}

void SlideRun::predict(const PredictionRequest& request, const PixelSource* labels,
                       const PredictionWork& consume) {
  for_last_tiles([&](const Tile& tile, const TileRegions& need, TileWork work) {
    PredictedTile result{.region = tile.own, .prediction = {}, .labels = {}};
    at::Tensor weighted;
    if (labels != nullptr) {
      Bytes all = labels->read(tile.compute).bytes;
      mark_missing(work.missing, all);
      result.labels = crop_planes(all, tile.compute, tile.own);
      // A pixel counts once: in the tile that owns it.
      if (tile.own != tile.compute) all = only_own(result.labels, tile);
      weighted = context_.upload(byte_plane(std::move(all), tile.compute.extent()));
    }
    TilePrediction& found = result.prediction;
    found = kernel_.predict(segment(last()), need, extents_, parameters_, std::move(work.crops),
                            weighted, request);
    mark_missing(work.missing, found.classes);
    for (size_t i = 0; i < found.probabilities.size() && !work.missing.empty(); ++i) {
      if (work.missing[i % work.missing.size()] != 0) found.probabilities[i] = 0.0F;
    }
    if (tile.own != tile.compute) {
      found.classes = crop_planes(found.classes, tile.compute, tile.own);
      found.probabilities = crop_planes(found.probabilities, tile.compute, tile.own);
    }
    return consume(std::move(result));
  });
}

// ---- loss and backward -------------------------------------------------------------------------

LossSums SlideRun::loss_totals(const PixelSource& labels, const PixelLoss& loss) {
  const std::vector<size_t> tiles = active_tiles(last());
  const auto pixels = begin_pixels(last(), tiles);
  OrderedSum sums({{loss.sum_count()}}, options_.device, options_.has_float64);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t position) {
        const size_t tile = tiles[position];
        const TileRegions need = regions(last(), tile);
        TileWork work = load(last(), tile, need, pixels.get(), position);
        return kernel_.loss_sums(
            segment(last()), need, extents_, parameters_, std::move(work.crops),
            label_tile(labels, tiles_[last()][tile].compute, work.missing), loss);
      },
      [&](size_t position, const at::Tensor& terms) {
        sums.add({terms});
        if (options_.on_pixels) options_.on_pixels(tiles_[last()][tiles[position]].own.area());
      });
  const at::Tensor total = sums.totals()[0];
  const double* begin = total.const_data_ptr<double>();
  return {begin, begin + total.numel()};
}

void SlideRun::add_input_gradients(size_t s, const TileOutcome& outcome) {
  for (const LayerId id : segment(s).inputs) {
    if (id == 0 || !outcome.gradients.inputs[index(id)].defined()) continue;
    store(gradients_, id).add(outcome.regions[index(id)], outcome.gradients.inputs[index(id)]);
  }
}

bool SlideRun::used_only_by_last(LayerId id) const {
  for (size_t s = 0; s < last(); ++s) {
    if (segment(s).reads(id)) return false;
  }
  return true;
}

/// Whether the tile at `position` is the first of its row that is not skipped.
bool SlideRun::begins_row(size_t position, const std::vector<size_t>& tiles) const {
  const auto row = [&](size_t p) { return tiles_[last()][tiles[p]].own.rows.begin; };
  return position > 0 && row(position) != row(position - 1);
}

/// Frees the rows of values that only the last segment reads once it has passed them.
void SlideRun::release_after_last(size_t first_remaining_tile) {
  const TileRegions need = regions(last(), first_remaining_tile);
  for (const LayerId id : segment(last()).inputs) {
    if (id == 0 || !used_only_by_last(id) || need[index(id)].empty()) continue;
    values_[index(id)]->release_rows(need[index(id)].rows.begin);
  }
}

void SlideRun::loss_and_backward(const PixelSource& labels, const PixelLoss& loss,
                                 const LossSums& totals, OrderedSum& parameter_sums,
                                 OrderedSum& loss_sums) {
  const std::vector<size_t> tiles = active_tiles(last());
  const auto pixels = begin_pixels(last(), tiles);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t position) {
        const size_t tile = tiles[position];
        TileOutcome outcome{.gradients = {}, .regions = regions(last(), tile), .sums = {}};
        TileWork work = load(last(), tile, outcome.regions, pixels.get(), position);
        TileLoss result = kernel_.loss_backward(
            segment(last()), outcome.regions, extents_, parameters_, std::move(work.crops),
            label_tile(labels, tiles_[last()][tile].compute, work.missing), loss, totals);
        outcome.sums = std::move(result.sums);
        outcome.gradients = std::move(result.gradients);
        return outcome;
      },
      [&](size_t position, const TileOutcome& outcome) {
        add_input_gradients(last(), outcome);
        parameter_sums.add(outcome.gradients.parameters);
        loss_sums.add({outcome.sums});
        const Region& own = tiles_[last()][tiles[position]].own;
        if (begins_row(position, tiles)) release_after_last(tiles[position]);
        if (options_.on_pixels) options_.on_pixels(own.area());
      });
}

void SlideRun::backward_segment(size_t s, OrderedSum& parameter_sums) {
  const LayerId target = segment(s).target;
  if (!gradients_[index(target)]) return;
  const SlideStore& incoming = *gradients_[index(target)];
  std::vector<size_t> tiles = active_tiles(s);
  std::erase_if(tiles, [&](size_t t) { return incoming.is_untouched(tiles_[s][t].compute); });
  const auto pixels = begin_pixels(s, tiles);
  run_tiles(
      context_.workers, tiles.size(), options_.workers,
      [&](size_t position) {
        const size_t tile = tiles[position];
        TileOutcome outcome{.gradients = {}, .regions = regions(s, tile), .sums = {}};
        TileWork work = load(s, tile, outcome.regions, pixels.get(), position);
        outcome.gradients =
            kernel_.backward(segment(s), outcome.regions, extents_, parameters_,
                             std::move(work.crops), incoming.read(tiles_[s][tile].compute));
        return outcome;
      },
      [&](size_t position, const TileOutcome& outcome) {
        add_input_gradients(s, outcome);
        parameter_sums.add(outcome.gradients.parameters);
        const int64_t stride = graph_.stride(target);
        if (options_.on_pixels && segment(s).reads_pixels()) {
          options_.on_pixels(tiles_[s][tiles[position]].own.area() * stride * stride);
        }
      });
  gradients_[index(target)].reset();
}

/// Frees values that no segment before `s` reads.
void SlideRun::release_values(size_t s) {
  for (const LayerId id : segment(s).inputs) {
    if (id == 0) continue;
    bool used = false;
    for (size_t earlier = 0; earlier < s; ++earlier) used |= segment(earlier).reads(id);
    if (!used) values_[index(id)].reset();
  }
}

StepResult SlideRun::step(const PixelSource& labels, const PixelLoss& loss) {
  StepResult result;
  {
    const PassTimer timer(result.seconds, "labels", context_.upload);
    result.tiles_skipped = find_active(labels);
  }
  forward_inner_segments(result.seconds);

  std::vector<std::vector<int64_t>> shapes;
  for (const ParameterShape& p : graph_.parameters()) shapes.push_back(p.shape);
  OrderedSum parameter_sums(shapes, options_.device, options_.has_float64);
  OrderedSum loss_sums({{loss.sum_count()}}, options_.device, options_.has_float64);

  LossSums totals;
  if (loss.needs_totals()) {
    const PassTimer timer(result.seconds, "loss sums", context_.upload);
    totals = loss_totals(labels, loss);
  }
  {
    const PassTimer timer(result.seconds, "loss and backward", context_.upload);
    loss_and_backward(labels, loss, totals, parameter_sums, loss_sums);
    release_values(last());
  }
  for (size_t s = last(); s-- > 0;) {
    const PassTimer timer(result.seconds, name(s) + " backward", context_.upload);
    backward_segment(s, parameter_sums);
    release_values(s);
  }

  const at::Tensor sums = loss_sums.totals()[0];
  result.sums.assign(sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + sums.numel());
  result.loss = loss.value(result.sums);
  result.gradients = parameter_sums.totals();
  for (at::Tensor& g : result.gradients) g.mul_(loss.gradient_scale(result.sums));
  return result;
}

}  // namespace

Executor::Executor(const Graph& graph, Plan plan, const SegmentKernel& kernel,
                   ExecutorOptions options)
    : graph_(graph), plan_(std::move(plan)), kernel_(kernel), options_(std::move(options)) {
  if (!options_.context) options_.context = std::make_shared<StreamingContext>(options_.device);
}

StepResult Executor::step(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
                          const PixelSource& labels, const PixelLoss& loss) const {
  if (labels.extent() != image.extent()) {
    throw InternalError(fmt::format("labels of {} for a slide of {}", to_string(labels.extent()),
                                    to_string(image.extent())));
  }
  SlideRun run(graph_, plan_, kernel_, options_, parameters, image);
  return run.step(labels, loss);
}

void Executor::forward(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
                       const LogitsWork& work) const {
  SlideRun run(graph_, plan_, kernel_, options_, parameters, image);
  run.forward(work);
}

void Executor::predict(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
                       const PredictionRequest& request, const PixelSource* labels,
                       const PredictionWork& work) const {
  if (request.loss != nullptr && labels == nullptr) {
    throw InternalError("a loss was asked for without labels");
  }
  SlideRun run(graph_, plan_, kernel_, options_, parameters, image);
  run.predict(request, labels, work);
}

}  // namespace untiled
