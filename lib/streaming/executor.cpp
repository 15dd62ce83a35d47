#include "lib/streaming/executor.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/stopwatch.h"
#include "lib/ranks/alike.h"
#include "lib/streaming/crop_planes.h"
#include "lib/streaming/download.h"
#include "lib/streaming/slide_run.h"

namespace untiled {
namespace {

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

std::vector<std::vector<int64_t>> one_tensor(int64_t count) { return {{count}}; }

/// A step's own part: labels in, loss and gradients out.
class Step {
 public:
  Step(SlideRun& run, const SegmentKernel& kernel, const ExecutorOptions& options,
       const PixelSource& labels, const PixelLoss& loss)
      : run_(run),
        kernel_(kernel),
        options_(options),
        labels_(labels),
        loss_(loss),
        total_sums_(one_tensor(loss.sum_count())),
        loss_sums_(one_tensor(loss.sum_count())) {}

  /// Which tiles of the last segment have a weighted pixel. Each rank looks at some of them.
  std::vector<bool> find_weighted() const {
    const std::vector<Tile>& tiles = run_.last_tiles();
    std::vector<int64_t> weighted(tiles.size(), 0);
    const auto ranks = static_cast<size_t>(options_.ranks == nullptr ? 1 : options_.ranks->size());
    const auto rank = static_cast<size_t>(options_.ranks == nullptr ? 0 : options_.ranks->rank());
    const size_t first = tiles.size() * rank / ranks;
    const size_t end = tiles.size() * (rank + 1) / ranks;
    run_all(options_.context->workers, end - first, options_.workers, [&](size_t i) {
      const PixelBlock block = labels_.read(tiles[first + i].compute);
      weighted[first + i] = std::any_of(block.bytes.begin(), block.bytes.end(),
                                        [](uint8_t label) { return label != kIgnoredLabel; })
                                ? 1
                                : 0;
    });
    if (options_.ranks != nullptr) options_.ranks->sum(weighted);
    return {weighted.begin(), weighted.end()};
  }

  std::function<void()> sums(LoadedTile loaded) {
    const at::Tensor labels = labels_of(loaded);
    at::Tensor terms = kernel_.loss_sums(run_.last_request(loaded), labels, loss_);
    return [this, terms = std::move(terms)] { total_sums_.add({terms}); };
  }

  std::function<void()> loss(LoadedTile loaded) {
    const at::Tensor labels = labels_of(loaded);
    TileLoss result = kernel_.loss_backward(run_.last_request(loaded), labels, loss_, totals());
    return [this, tile = std::move(loaded), result = std::move(result)] {
      run_.add_last(tile, result.gradients);
      if (run_.counts(tile)) loss_sums_.add({result.sums});
    };
  }

  /// After the last tile; a collective call.
  StepResult result() {
    totals();  // Others wait for this rank there, also where it had no tile.
    StepResult result;
    result.sums = reduced(loss_sums_);
    result.loss = loss_.value(result.sums);
    result.gradients = run_.parameter_gradients();
    for (at::Tensor& g : result.gradients) g.mul_(loss_.gradient_scale(result.sums));
    return result;
  }

 private:
  at::Tensor labels_of(const LoadedTile& loaded) const {
    PixelBlock block = labels_.read(loaded.tile.compute);
    mark_missing(loaded.missing, block.bytes);
    return options_.context->upload(
        byte_plane(std::move(block.bytes), loaded.tile.compute.extent()));
  }

  /// A reduction point: the sums of the whole slide, which no tile of the loss begins before.
  const LossSums& totals() {
    std::call_once(totals_made_, [&] {
      if (loss_.needs_totals()) totals_ = reduced(total_sums_);
    });
    return totals_;
  }

  LossSums reduced(TensorSum& sum) const {
    reduce_over_ranks(sum, options_);
    const at::Tensor total = sum.totals()[0];
    const double* begin = total.const_data_ptr<double>();
    return {begin, begin + total.numel()};
  }

  SlideRun& run_;
  const SegmentKernel& kernel_;
  const ExecutorOptions& options_;
  const PixelSource& labels_;
  const PixelLoss& loss_;
  TensorSum total_sums_;
  TensorSum loss_sums_;
  std::once_flag totals_made_;
  LossSums totals_;
};

/// Predictions of the pixels that a tile owns.
PredictedTile predict_tile(const SlideRun& run, const SegmentKernel& kernel,
                           const StreamingContext& context, const PredictionRequest& request,
                           const PixelSource* labels, LoadedTile loaded) {
  const Tile& tile = loaded.tile;
  PredictedTile result{.region = tile.own, .prediction = {}, .labels = {}};
  at::Tensor weighted;
  if (labels != nullptr) {
    Bytes all = labels->read(tile.compute).bytes;
    mark_missing(loaded.missing, all);
    result.labels = crop_planes(all, tile.compute, tile.own);
    // A pixel counts once: in the tile that owns it.
    if (tile.own != tile.compute) all = only_own(result.labels, tile);
    weighted = context.upload(byte_plane(std::move(all), tile.compute.extent()));
  }
  TilePrediction& found = result.prediction;
  found = kernel.predict(run.last_request(loaded), weighted, request);
  mark_missing(loaded.missing, found.classes);
  for (size_t i = 0; i < found.probabilities.size() && !loaded.missing.empty(); ++i) {
    if (loaded.missing[i % loaded.missing.size()] != 0) found.probabilities[i] = 0.0F;
  }
  if (tile.own != tile.compute) {
    found.classes = crop_planes(found.classes, tile.compute, tile.own);
    found.probabilities = crop_planes(found.probabilities, tile.compute, tile.own);
  }
  return result;
}

/// All that decides which tiles there are.
std::string description_of(const Plan& plan, const Extent& pixels) {
  std::string text = fmt::format("{} {} {}", to_string(pixels), name_of(plan.order), plan.windows);
  for (const SegmentPlan& s : plan.segments) {
    text += fmt::format("; {} of {}", index(s.segment.target), to_string(s.tile));
  }
  return text;
}

void want_all(SlideRun& run) { run.want(std::vector<bool>(run.last_tiles().size(), true)); }

}  // namespace

Executor::Executor(const Graph& graph, Plan plan, const SegmentKernel& kernel,
                   ExecutorOptions options)
    : graph_(graph), plan_(std::move(plan)), kernel_(kernel), options_(std::move(options)) {
  if (!options_.context) options_.context = std::make_shared<StreamingContext>(options_.device);
}

std::vector<OwnedTile> Executor::predicted_tiles(const Extent& pixels) const {
  const std::vector<Extent> extents = graph_.extents(pixels);
  const std::vector<Tile> tiles = make_tiles(extents[static_cast<size_t>(graph_.output())],
                                             plan_.segments.back(), plan_.tiling);
  const std::vector<Region> cells =
      rank_cells_of(graph_, plan_, options_, pixels, std::vector<bool>(tiles.size(), true));
  std::vector<OwnedTile> owned;
  for (const Tile& tile : tiles) {
    const auto has = [&](const Region& cell) { return owns(cell, tile, 1); };
    const auto rank = std::find_if(cells.begin(), cells.end(), has) - cells.begin();
    owned.push_back({tile.own, static_cast<int>(rank)});
  }
  return owned;
}

SlideRun Executor::begin(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                         Purpose purpose) const {
  if (image.extent().empty()) throw DataError("a slide without pixels cannot be streamed");
  if (options_.ranks != nullptr) {
    require_alike(*options_.ranks, description_of(plan_, image.extent()), "another plan",
                  "give all ranks the same settings and slides");
  }
  return {graph_, plan_, kernel_, options_, parameters, image, purpose};
}

StepResult Executor::step(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                          const PixelSource& labels, const PixelLoss& loss) const {
  if (labels.extent() != image.extent()) {
    throw InternalError(fmt::format("labels of {} for a slide of {}", to_string(labels.extent()),
                                    to_string(image.extent())));
  }
  SlideRun run = begin(parameters, image,
                       loss.needs_totals() ? Purpose::kGradientsWithTotals : Purpose::kGradients);
  Step step(run, kernel_, options_, labels, loss);
  const Stopwatch watch;
  const std::vector<bool> weighted = step.find_weighted();
  run.want(weighted);
  const double label_seconds = watch.seconds();
  run.play({{TaskKind::kSums, [&](LoadedTile tile) { return step.sums(std::move(tile)); }},
            {TaskKind::kLoss, [&](LoadedTile tile) { return step.loss(std::move(tile)); }}});
  options_.context->upload.wait();
  StepResult result = step.result();
  result.tiles_skipped = std::count(weighted.begin(), weighted.end(), false);
  result.reads_per_pixel = run.reads_per_pixel();
  result.seconds = run.seconds();
  result.seconds["labels"] = label_seconds;
  double waiting = watch.seconds();
  for (const auto& [part, seconds] : result.seconds) waiting -= seconds;
  result.seconds["waiting"] = std::max(0.0, waiting);
  return result;
}

void Executor::forward(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                       const LogitsWork& work) const {
  SlideRun run = begin(parameters, image, Purpose::kPrediction);
  want_all(run);
  run.play({{TaskKind::kPredict, [&](LoadedTile loaded) {
               const Tile& tile = loaded.tile;
               const at::Tensor logits = kernel_.forward(run.last_request(loaded));
               return work(tile.own, to_host(part_of(logits, tile.own, tile.compute)));
             }}});
}

void Executor::predict(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                       const PredictionRequest& request, const PixelSource* labels,
                       const PredictionWork& work) const {
  if (request.loss != nullptr && labels == nullptr) {
    throw InternalError("a loss was asked for without labels");
  }
  SlideRun run = begin(parameters, image, Purpose::kPrediction);
  want_all(run);
  run.play({{TaskKind::kPredict, [&](LoadedTile loaded) {
               return work(predict_tile(run, kernel_, *options_.context, request, labels,
                                        std::move(loaded)));
             }}});
}

}  // namespace untiled
