#include "lib/streaming/slide_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/core/error.h"
#include "lib/streaming/crop_planes.h"
#include "lib/streaming/stores/device_store.h"
#include "lib/streaming/stores/file_store.h"
#include "lib/streaming/stores/page_store.h"
#include "lib/streaming/stores/ring_store.h"

namespace untiled {
namespace {

/// A copy takes a GPU some microseconds, however small.
constexpr int64_t kCudaBlockBytes = 32 << 20;
/// Blocks that a band on a device consists of, about.
constexpr int64_t kBlocksPerBand = 4;
/// Pixels of tiles that one call decodes, about.
constexpr int64_t kDecodedBytes = 32 << 20;

std::vector<std::vector<int64_t>> shapes_of(const Graph& graph) {
  std::vector<std::vector<int64_t>> shapes;
  for (const ParameterShape& p : graph.parameters()) shapes.push_back(p.shape);
  return shapes;
}

}  // namespace

std::vector<Region> rank_cells_of(const Graph& graph, const Plan& plan,
                                  const ExecutorOptions& options, const Extent& pixels,
                                  const std::vector<bool>& wanted) {
  if (options.ranks == nullptr || options.ranks->size() == 1) return {whole(pixels)};
  const Extent& tile = plan.segments.back().tile;
  const RankGrid grid = choose_rank_grid(options.layout, options.ranks->size(), pixels, tile,
                                         rank_reach(graph, plan, pixels));
  return rank_cells(grid, pixels, tile, wanted);
}

void reduce_over_ranks(TensorSum& sum, const ExecutorOptions& options) {
  if (options.ranks == nullptr) return;
  if (options.link == nullptr) {
    sum.reduce(*options.ranks);
  } else {
    sum.reduce(*options.ranks, *options.link, options.device);
  }
}

SlideRun::SlideRun(const Graph& graph, const Plan& plan, const SegmentKernel& kernel,
                   const ExecutorOptions& options, const std::vector<at::Tensor>& parameters,
                   const PixelSource& image, Purpose purpose)
    : graph_(graph),
      plan_(plan),
      kernel_(kernel),
      options_(options),
      context_(*options.context),
      image_(image),
      extents_(graph.extents(image.extent())),
      access_(access_of(image, options.spare_pixel_bytes)),
      schedule_(make_schedule(graph, plan, extents_, access_, purpose, options.spare_bands)),
      pieces_(schedule_.tasks().size()),
      purpose_(purpose),
      stores_(schedule_.stores().size()),
      windows_(schedule_.stores().size()),
      clock_(schedule_.tasks().size()) {
  for (const at::Tensor& p : parameters) {
    parameters_.push_back(p.detach().to(options.device, options.dtype));
  }
  for (const SegmentPlan& s : plan.segments) {
    tiles_.push_back(make_tiles(extents_[index(s.segment.target)], s, plan.tiling));
    if (purpose != Purpose::kPrediction) parameter_sums_.emplace_back(shapes_of(graph));
  }
}

void SlideRun::want(const std::vector<bool>& wanted) {
  const auto rank = static_cast<size_t>(options_.ranks == nullptr ? 0 : options_.ranks->rank());
  const Region own = rank_cells_of(graph_, plan_, options_, extents_.front(), wanted)[rank];
  if (own == whole(extents_.front())) {
    active_ = find_active(graph_, plan_, extents_, tiles_, wanted);
  } else if (purpose_ != Purpose::kPrediction) {
    active_ = find_share(graph_, plan_, extents_, tiles_, wanted, own);
  } else {
    std::vector<bool> owned = wanted;
    for (size_t i = 0; i < owned.size(); ++i) owned[i] = owned[i] && owns(own, last_tiles()[i], 1);
    active_ = find_active(graph_, plan_, extents_, tiles_, owned);
  }
}

void SlideRun::play(const std::map<TaskKind, LastWork>& work) {
  work_ = work;
  const PlayOptions options{
      .workers = options_.workers, .readers = options_.readers, .choose = options_.choose};
  const RunThreads threads = [&](int count, const std::function<void()>& run) {
    context_.workers.run(count, run);
  };
  try {
    untiled::play(schedule_, tiles_to_run(), threads, options, *this);
  } catch (...) {
    rethrow_for_user(std::current_exception());
  }
}

// ---- what there is to do -----------------------------------------------------------------------

/// The pieces of a window that its readers' active tiles need.
WindowPieces SlideRun::pieces_of(const std::vector<TaskInput>& readers,
                                 const std::vector<Band>& bands) {
  std::vector<Region> needed;
  for (const TaskInput& reader : readers) {
    const Task& task = schedule_.task(reader.task);
    const auto s = static_cast<size_t>(task.segment);
    const std::vector<bool>& active = active_.of(task);
    for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
      if (!active[tile]) continue;
      needed.push_back(
          tile_regions(graph_, plan_.segments[s].segment, extents_, tiles_[s][tile].compute)[0]);
    }
  }
  return window_pieces(image_, bands, needed, piece_cols(bands));
}

/// What a device decodes at once is as large as its decoders like it.
int64_t SlideRun::piece_cols(const std::vector<Band>& bands) const {
  constexpr int64_t kRowBytes = 3;
  if (!options_.decoding.takes_any() || bands.empty()) return kPieceCols;
  return std::max(kPieceCols, kDecodedBytes / kRowBytes / bands.front().rows.size());
}

std::vector<TaskTiles> SlideRun::tiles_to_run() {
  std::vector<TaskTiles> all;
  std::vector<TaskInput> reading;
  const Task* any_read = nullptr;
  for (size_t t = 0; t < schedule_.tasks().size(); ++t) {
    const Task& task = schedule_.tasks()[t];
    if (task.kind != TaskKind::kRead) {
      const auto s = static_cast<size_t>(task.segment);
      all.push_back(tiles_in_bands(tiles_[s], active_.of(task), task.bands));
      continue;
    }
    const std::vector<TaskInput>& readers = schedule_.store(task.writes.front()).readers;
    WindowPieces pieces = pieces_of(readers, task.bands);
    pieces_[t] = std::move(pieces.pieces);
    all.push_back(std::move(pieces.tiles));
    reading.insert(reading.end(), readers.begin(), readers.end());
    any_read = &task;
  }
  if (any_read != nullptr) {
    for (const Region& piece : pieces_of(reading, any_read->bands).pieces) {
      needed_pixels_ += piece.area();
    }
  }
  return all;
}

double SlideRun::reads_per_pixel() const {
  return needed_pixels_ == 0
             ? 0.0
             : static_cast<double>(read_pixels_) / static_cast<double>(needed_pixels_);
}

// ---- stores ------------------------------------------------------------------------------------

std::unique_ptr<LayerStore> SlideRun::make_store(const Store& s) const {
  const int64_t channels = graph_.layer(s.layer).channels;
  const Extent extent = extents_[index(s.layer)];
  const bool is_spilled =
      std::find(plan_.spilled.begin(), plan_.spilled.end(), s.layer) != plan_.spilled.end();
  BlockOptions blocks{.device = options_.device, .dtype = options_.dtype};
  blocks.max_dimension = options_.max_dimension;
  if (is_spilled) {
    return std::make_unique<FileStore>(channels, extent, blocks, options_.scratch);
  }
  if (!options_.device.is_cpu()) {
    const auto element = static_cast<int64_t>(c10::elementSize(options_.dtype));
    const int64_t row_bytes = channels * std::min(extent.cols, blocks.max_dimension) * element;
    if (options_.device.is_cuda()) blocks.block_bytes = kCudaBlockBytes;
    if (s.is_band) blocks.block_bytes = ceil_div(s.capacity, kBlocksPerBand) * row_bytes;
    return std::make_unique<DeviceStore>(channels, extent, blocks);
  }
  if (!s.is_band) {
    return std::make_unique<PageStore>(channels, extent, options_.dtype, *context_.pages);
  }
  const RingUse use = s.kind == StoreKind::kGradient ? RingUse::kSums : RingUse::kValues;
  return std::make_unique<RingStore>(channels, extent, s.capacity, options_.dtype, use,
                                     *context_.rings);
}

LayerStore& SlideRun::store(StoreId id) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<LayerStore>& held = stores_[untiled::index(id)];
  if (!held) held = make_store(schedule_.store(id));
  return *held;
}

PixelWindow& SlideRun::window(StoreId id) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<PixelWindow>& held = windows_[untiled::index(id)];
  if (held) return *held;
  if (access_.are_kept) {
    held = make_kept_window(image_, context_.upload);
  } else if (options_.decoding.takes_any()) {
    held = make_device_window(make_decoded_pieces(image_, context_.upload, options_.decoding),
                              options_.device);
  } else if (options_.device.is_cpu()) {
    held = make_ring_window(image_, schedule_.store(id).capacity, *context_.rings);
  } else {
    held = make_device_window(make_host_pieces(image_, context_.upload), options_.device);
  }
  return *held;
}

void SlideRun::release(StoreId id, int64_t row, bool finished) {
  const bool is_window = schedule_.store(id).kind == StoreKind::kPixels;
  if (finished) {
    const std::lock_guard lock(mutex_);
    stores_[untiled::index(id)].reset();
    windows_[untiled::index(id)].reset();
  } else if (is_window) {
    window(id).release_rows(row);
  } else {
    store(id).release_rows(row);
  }
}

// ---- tiles -------------------------------------------------------------------------------------

std::function<void()> SlideRun::compute(TaskId id, size_t tile) {
  if (options_.ranks != nullptr) options_.ranks->throw_if_failed();
  const PartClock::Span span(clock_, untiled::index(id));
  const Task& task = schedule_.task(id);
  switch (task.kind) {
    case TaskKind::kRead: {
      const Region& piece = pieces_[untiled::index(id)][tile];
      window(task.writes.front()).fill(piece);
      read_pixels_ += piece.area();
      return {};
    }
    case TaskKind::kForward:
      return forward(task, tile);
    case TaskKind::kBackward:
      return backward(task, tile);
    default:
      return [this, &task, id, tile, commit = work_.at(task.kind)(load(task, tile))] {
        const PartClock::Span committing(clock_, untiled::index(id));
        commit();
        report(task, tiles_.back()[tile]);
      };
  }
}

LoadedTile SlideRun::load(const Task& task, size_t tile) {
  const auto s = static_cast<size_t>(task.segment);
  const Segment& segment = plan_.segments[s].segment;
  LoadedTile loaded{
      .number = tile, .tile = tiles_[s][tile], .regions = {}, .crops = {}, .missing = {}};
  loaded.regions = tile_regions(graph_, segment, extents_, loaded.tile.compute);
  loaded.crops.resize(graph_.layers().size());
  for (size_t i = 0; i < segment.inputs.size(); ++i) {
    const LayerId id = segment.inputs[i];
    const Region& region = loaded.regions[index(id)];
    if (id != kPixelLayer) {
      loaded.crops[index(id)] = store(task.inputs[i]).view(region);
      continue;
    }
    const bool is_last = &segment == &last_segment();
    WindowView pixels = window(task.inputs[i]).view(region, is_last);
    loaded.crops[0] = std::move(pixels.pixels);
    if (is_last) loaded.missing = crop_planes(pixels.missing, region, loaded.tile.compute);
  }
  return loaded;
}

/// Tiles that read the slide count its pixels.
void SlideRun::report(const Task& task, const Tile& tile) const {
  const Segment& segment = plan_.segments[static_cast<size_t>(task.segment)].segment;
  if (!options_.on_pixels || !segment.reads_pixels()) return;
  const int64_t stride = graph_.stride(segment.target);
  options_.on_pixels(tile.own.area() * stride * stride);
}

std::function<void()> SlideRun::forward(const Task& task, size_t tile) {
  LoadedTile loaded = load(task, tile);
  const Segment& segment = plan_.segments[static_cast<size_t>(task.segment)].segment;
  std::vector<LayerId> kept;
  for (const StoreId id : task.writes) {
    const LayerId layer = schedule_.store(id).layer;
    if (layer != segment.target) kept.push_back(layer);
  }
  const LayerTensors values = kernel_.forward_keeping(request(segment, loaded), kept);
  // Tiles own what they write, so no order is needed here.
  const Tile& t = loaded.tile;
  for (const StoreId id : task.writes) {
    const at::Tensor& value = values[index(schedule_.store(id).layer)];
    store(id).write(t.own, part_of(value, t.own, t.compute));
  }
  report(task, t);
  return {};
}

std::function<void()> SlideRun::backward(const Task& task, size_t tile) {
  LoadedTile loaded = load(task, tile);
  const SegmentPlan& planned = plan_.segments[static_cast<size_t>(task.segment)];
  const Segment& segment = planned.segment;
  for (size_t i = 0; i < planned.kept.size(); ++i) {
    const LayerId id = planned.kept[i];
    const StoreId kept = task.inputs[segment.inputs.size() + i];
    loaded.crops[index(id)] = store(kept).view(loaded.regions[index(id)]);
  }
  const at::Tensor incoming = store(task.inputs.back()).view(loaded.tile.compute);
  TileGradients gradients = kernel_.backward(request(segment, loaded), incoming);
  return [this, &task, own = std::move(loaded), added = std::move(gradients)] {
    add_gradients(task, own, added);
    report(task, own.tile);
  };
}

void SlideRun::add_gradients(const Task& task, const LoadedTile& tile,
                             const TileGradients& gradients) {
  const auto s = static_cast<size_t>(task.segment);
  const std::vector<LayerId>& inputs = plan_.segments[s].segment.inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const LayerId id = inputs[i];
    if (id == kPixelLayer || !gradients.inputs[index(id)].defined()) continue;
    store(task.adds[i]).add(tile.regions[index(id)], gradients.inputs[index(id)]);
  }
  if (active_.counted[s][tile.number]) parameter_sums_[s].add(gradients.parameters);
}

void SlideRun::add_last(const LoadedTile& tile, const TileGradients& gradients) {
  const auto is_loss = [](const Task& task) { return task.kind == TaskKind::kLoss; };
  const auto& tasks = schedule_.tasks();
  add_gradients(*std::find_if(tasks.begin(), tasks.end(), is_loss), tile, gradients);
}

std::vector<at::Tensor> SlideRun::parameter_gradients() {
  TensorSum all(shapes_of(graph_));
  for (TensorSum& of_segment : parameter_sums_) all.add(of_segment);
  reduce_over_ranks(all, options_);
  return all.totals();
}

std::map<std::string, double> SlideRun::seconds() const {
  std::map<std::string, double> seconds;
  for (size_t t = 0; t < schedule_.tasks().size(); ++t) {
    seconds[schedule_.tasks()[t].name] += clock_.seconds(t) / options_.workers;
  }
  return seconds;
}

}  // namespace untiled
