#include "app/pipeline/evaluation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "data/slide/reader.h"
#include "data/tissue/overview.h"
#include "lib/core/atomic_file.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/ranks/together.h"
#include "lib/train/losses.h"

namespace untiled {
namespace {

constexpr Extent kThumbnail = {520, 520};
constexpr PictureColor kBackground = {245, 245, 245};
constexpr PictureColor kTissue = {60, 120, 190};

/// Scores count weighted pixels only: those of classes with weight 0 are ignored ones.
SegmentationCounts count_weighted(const Bytes& labels, const Bytes& classes,
                                  const std::vector<double>& weights, int channels) {
  Bytes weighted;
  if (std::find(weights.begin(), weights.end(), 0.0) != weights.end()) {
    weighted = labels;
    for (uint8_t& label : weighted) {
      if (label < weights.size() && weights[label] == 0.0) label = kIgnoredLabel;
    }
  }
  const Bytes& counted = weighted.empty() ? labels : weighted;
  return count_pixels({counted.data(), counted.size()}, {classes.data(), classes.size()}, channels);
}

/// The counts of all ranks; a rank without tiles has none.
SegmentationCounts added_up(SegmentationCounts counts, size_t classes, Group& ranks) {
  counts.resize(classes);
  std::vector<int64_t> numbers;
  for (const ClassCounts& c : counts) {
    numbers.insert(numbers.end(), {c.true_positive, c.false_positive, c.false_negative});
  }
  ranks.sum(numbers);
  for (size_t i = 0; i < classes; ++i) {
    counts[i] = {numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]};
  }
  return counts;
}

/// Of masks that are compared: neighbouring ones, for some files are read from their beginning.
std::vector<Region> tiles_of_rank(const Extent& extent, const Group& ranks) {
  constexpr Extent kTile = {1024, 1024};
  std::vector<Region> tiles = tile_grid(extent, kTile);
  const auto first = [&](int rank) {
    return tiles.begin() + static_cast<std::ptrdiff_t>(tiles.size()) * rank / ranks.size();
  };
  return {first(ranks.rank()), first(ranks.rank() + 1)};
}

std::string make_preview(const Picture& thumbnail, const ThumbnailClasses& label,
                         const ThumbnailClasses& prediction, const DataSettings& data,
                         const std::filesystem::path& folder) {
  const std::vector<LegendEntry> legend = class_legend(data);
  std::vector<PictureColor> colors;
  colors.reserve(legend.size());
  for (const LegendEntry& entry : legend) colors.push_back(entry.color);
  const auto panel = [&](const Bytes& classes) {
    return color_classes(thumbnail.extent, {classes.data(), classes.size()}, colors);
  };
  const std::vector<PreviewPanel> panels = {{"slide", thumbnail},
                                            {"label", panel(label.bytes())},
                                            {"prediction", panel(prediction.bytes())}};
  static std::atomic<int> count = 0;
  const std::filesystem::path file =
      folder / fmt::format("preview.{}.{}.part", ::getpid(), count++);
  write_preview(file, panels, legend);
  std::string png = read_file(file);
  std::filesystem::remove(file);
  return png;
}

}  // namespace

std::vector<LegendEntry> class_legend(const DataSettings& data) {
  const auto color = [](const ClassSettings& c) {
    PictureColor rgb;
    for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<uint8_t>(c.color[i]);
    return rgb;
  };
  if (data.classes.empty()) return {{"background", kBackground}, {"tissue", kTissue}};
  if (data.classes.size() == 1) {
    return {{"background", kBackground}, {data.classes[0].name, color(data.classes[0])}};
  }
  std::vector<LegendEntry> legend;
  for (const ClassSettings& c : data.classes) legend.push_back({c.name, color(c)});
  return legend;
}

Picture view_thumbnail(std::shared_ptr<const SlideReader> reader, const ViewInfo& view,
                       const Extent& most) {
  const Extent small = fit_into(view.extent, most);
  const double step = std::max(
      view.downsample_y * static_cast<double>(view.extent.rows) / static_cast<double>(small.rows),
      view.downsample_x * static_cast<double>(view.extent.cols) / static_cast<double>(small.cols));
  ViewOptions options;
  // A scale of 1 makes mpp count level-0 pixels: the slide's own scale may be unknown.
  options.stated_mpp = 1.0;
  options.mpp = std::max(1.0, step);
  options.origin = Origin::kOpenSlide;
  const auto rows = [&](double row) {
    return static_cast<int64_t>(std::floor(view.offset_y_level0 + view.downsample_y * row));
  };
  const auto cols = [&](double col) {
    return static_cast<int64_t>(std::floor(view.offset_x_level0 + view.downsample_x * col));
  };
  const Region covered = {{rows(0), rows(static_cast<double>(view.extent.rows))},
                          {cols(0), cols(static_cast<double>(view.extent.cols))}};
  options.crop_level0 = clip(covered, reader->info().levels.front().extent);
  Overview overview = read_overview(*make_view(std::move(reader), options));
  return shrink({overview.extent, std::move(overview.rgb)}, fit_into(overview.extent, most));
}

Picture slide_thumbnail(const SlideInput& input) {
  Picture thumbnail = view_thumbnail(open_slide(input.entry.path), input.slide->info(), kThumbnail);
  input.slide->require_unchanged();
  return thumbnail;
}

SlideScorer::SlideScorer(const Engine& engine, const Settings& settings, const SlideInput& input,
                         const Extent& thumbnail, const PixelLoss& loss, Group& ranks)
    : engine_(engine),
      settings_(settings),
      input_(input),
      loss_(loss),
      ranks_(ranks),
      weights_(class_weights(settings.data.classes)),
      sums_(static_cast<size_t>(loss.sum_count())),
      labels_(input.pixels->extent(), thumbnail),
      predictions_(input.pixels->extent(), thumbnail) {}

void SlideScorer::score_tiles(const std::vector<at::Tensor>& parameters,
                              const PlannedStep& planned) {
  const Extent extent = input_.pixels->extent();
  std::optional<Progress> progress;
  if (ranks_.rank() == 0 && extent.area() > kLongPassPixels) {
    progress.emplace(fmt::format("validate {}", input_.id),
                     engine_.reported_pixels(planned.plan, extent, Purpose::kPrediction));
  }
  const auto on_pixels = [&](int64_t pixels) {
    if (progress) progress->advance(pixels);
  };
  const Executor executor =
      engine_.executor(planned, on_pixels, {.ranks = &ranks_, .decoding = input_.decoding});
  const auto channels = static_cast<int>(engine_.graph().layer(engine_.graph().output()).channels);
  const PredictionRequest request{
      .threshold = settings_.train.threshold, .probabilities = false, .loss = &loss_};
  executor.predict(
      parameters, *input_.pixels, request, input_.labels.get(), [&](PredictedTile predicted) {
        SegmentationCounts counts =
            count_weighted(predicted.labels, predicted.prediction.classes, weights_, channels);
        return [&, counts = std::move(counts), tile = std::move(predicted)] {
          counts_ = add(counts_, counts);
          sums_.add(std::span<const double>(tile.prediction.loss_sums));
          labels_.fill(tile.region, tile.labels);
          predictions_.fill(tile.region, tile.prediction.classes);
        };
      });
}

SlideScore SlideScorer::unite() {
  const auto channels = engine_.graph().layer(engine_.graph().output()).channels;
  sums_.reduce(ranks_);
  SlideScore score;
  score.counts = added_up(counts_, static_cast<size_t>(channels), ranks_);
  labels_.unite(ranks_);
  predictions_.unite(ranks_);
  score.loss = loss_.value(sums_.values());
  return score;
}

std::string SlideScorer::preview(const Picture& thumbnail,
                                 const std::filesystem::path& folder) const {
  return make_preview(thumbnail, labels_, predictions_, settings_.data, folder);
}

SlideScore evaluate_slide(const Engine& engine, const Settings& settings,
                          const std::vector<at::Tensor>& parameters, const SlideInput& input,
                          const Picture& thumbnail, const PixelLoss& loss,
                          const PlannedStep& planned, const std::filesystem::path& folder,
                          Group& ranks) {
  SlideScorer scorer(engine, settings, input, thumbnail.extent, loss, ranks);
  scorer.score_tiles(parameters, planned);
  SlideScore score = scorer.unite();
  if (ranks.rank() == 0) score.preview_png = scorer.preview(thumbnail, folder);
  return score;
}

SlideScore compare_labels(const Settings& settings, const SlideInput& input,
                          const PixelSource& prediction, const Picture& thumbnail,
                          const std::filesystem::path& folder, Group& ranks) {
  const Extent extent = prediction.extent();
  ThumbnailClasses label_picture(extent, thumbnail.extent);
  ThumbnailClasses prediction_picture(extent, thumbnail.extent);
  const std::vector<double> weights = class_weights(settings.data.classes);
  const auto classes = static_cast<int>(std::max<size_t>(1, settings.data.classes.size()));
  SlideScore score;
  Together together(ranks);
  together.attempt([&] {
    for (const Region& tile : tiles_of_rank(extent, ranks)) {
      throw_if_stopped();
      const Bytes labels = input.labels->read(tile).bytes;
      const Bytes found = prediction.read(tile).bytes;
      score.counts = add(score.counts, count_weighted(labels, found, weights, classes));
      label_picture.fill(tile, labels);
      prediction_picture.fill(tile, found);
    }
  });
  together.settle();
  score.counts = added_up(score.counts, static_cast<size_t>(classes), ranks);
  label_picture.unite(ranks);
  prediction_picture.unite(ranks);
  together.attempt([&] {
    if (ranks.rank() != 0 || folder.empty()) return;
    score.preview_png =
        make_preview(thumbnail, label_picture, prediction_picture, settings.data, folder);
  });
  together.settle();
  return score;
}

}  // namespace untiled
