#include "app/pipeline/mask_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/gathered_prediction.h"
#include "app/pipeline/seen_pixels.h"
#include "app/pipeline/slide_set.h"
#include "lib/core/progress.h"
#include "lib/core/stopwatch.h"
#include "lib/output/mask_geojson.h"
#include "lib/streaming/crop_planes.h"

namespace untiled {
namespace {

MaskFacts mask_facts(const MaskExport& e, const ViewInfo& view) {
  MaskFacts facts{.extent = view.extent};
  facts.downsample_x = view.downsample_x;
  facts.downsample_y = view.downsample_y;
  facts.offset_x = view.offset_x_level0 - static_cast<double>(view.frame_level0.cols.begin);
  facts.offset_y = view.offset_y_level0 - static_cast<double>(view.frame_level0.rows.begin);
  if (view.mpp_x && view.mpp_y) facts.scale = OutputScale{*view.mpp_x, *view.mpp_y};
  facts.origin = e.settings().data.origin;
  for (const ClassSettings& c : e.model.info().classes) {
    facts.classes.push_back({c.name, c.value, c.color});
  }
  return facts;
}

std::shared_ptr<const SlideView> open_view(const MaskExport& e, const CohortEntry& entry,
                                           const std::shared_ptr<const SlideReader>& reader) {
  const ViewOptions options = view_options(e.settings(), entry);
  const bool has_scale = options.stated_mpp || options.assume_mpp || reader->info().mpp_x;
  if (options.mpp && !has_scale) {
    throw SlideFailure(
        "no_mpp",
        fmt::format("{}: its scale is unknown, and the model works at {:g} um per pixel; state it "
                    "in a manifest's column mpp, or with --set data.assume_mpp=",
                    entry.path.string(), *options.mpp));
  }
  return make_view(reader, options);
}

/// Tiles of files are as high as computed ones and lie in them side by side.
static_assert(kUsualTile == SlideOutputs::kTile);

std::vector<SlideOutputs::EncodedTile> encode(const SlideOutputs& outputs,
                                              const PredictedTile& predicted) {
  std::vector<SlideOutputs::EncodedTile> encoded;
  const Region& all = predicted.region;
  for (int64_t x = all.cols.begin; x < all.cols.end; x += SlideOutputs::kTile) {
    const Region tile = {all.rows, {x, std::min(x + SlideOutputs::kTile, all.cols.end)}};
    auto classes = std::make_shared<Bytes>(crop_planes(predicted.prediction.classes, all, tile));
    encoded.push_back(outputs.encode(tile, std::move(classes),
                                     crop_planes(predicted.prediction.probabilities, all, tile)));
  }
  return encoded;
}

/// A slide that this rank may begin to predict.
struct Prepared {
  std::shared_ptr<const PixelSource> pixels;
  TileDecoding decoding;
  Executor executor;
};

/// What a network sees of a view.
struct Seen {
  std::shared_ptr<const SlideView> view;
  std::shared_ptr<const PixelSource> pixels;
};

/// Of the file's tiles, where nothing lies between them and the network.
TileDecoding decoding_of(const MaskExport& e, const Seen& seen) {
  if (seen.pixels != seen.view) return {};
  return decoding_of(e.decoder,
                     [view = seen.view](const Region& cell) { return view->stored_tile(cell); });
}

/// `done`: the part of this rank's pixels that is predicted, from 0 to 1; may be empty.
Prepared prepare(const MaskExport& e, Group& ranks, const Seen& seen, int64_t held_bytes,
                 int64_t output_bytes, const std::function<void(double)>& done) {
  const Engine& engine = e.model.engine();
  const auto& pixels = seen.pixels;
  const Extent extent = pixels->extent();
  MemoryLedger fixed;
  fixed[Holder::kReaders] = reading_bytes(*pixels, held_bytes);
  fixed[Holder::kStains] = stain_bytes(e.settings().data.stain);
  fixed[Holder::kOutputs] = output_bytes;
  const PlannedStep planned =
      ranks.size() == 1 ? engine.plan_inference(shape_of(*pixels), fixed, MaskUse::kFiles)
                        : engine.plan_shared_inference(shape_of(*pixels), fixed, MaskUse::kFiles);
  const auto total =
      static_cast<double>(engine.reported_pixels(planned.plan, extent, Purpose::kPrediction)) /
      ranks.size();
  const auto report = [done, total,
                       sum = std::make_shared<std::atomic<int64_t>>(0)](int64_t count) {
    if (done) done(std::min(1.0, static_cast<double>(*sum += count) / total));
  };
  const TileDecoding decoding = decoding_of(e, seen);
  const ExecutorUse use{.ranks = &ranks, .layout = kGatheredLayout, .decoding = decoding};
  return {pixels, decoding, engine.executor(planned, report, use)};
}

/// Probability planes that outputs of these formats need of each tile.
int64_t planes_of(const MaskExport& e) {
  return e.output.want_probabilities() ? e.model.logit_count() : 0;
}

void predict(const MaskExport& e, Group& ranks, const Prepared& slide, const PredictionWork& work) {
  const int64_t planes = planes_of(e);
  const PredictionRequest request{.threshold = e.threshold, .probabilities = planes > 0};
  predict_gathered(slide.executor, e.model.parameters(), *slide.pixels, request, planes, ranks,
                   work);
}

/// Rank 0's part, which writes. Returns the tiles that another decoder than the reader's has made.
std::optional<int64_t> predict_slide(const MaskExport& e, SharedBatch& batch, const SlideTask& task,
                                     const Seen& seen, SlideOutputs& outputs) {
  Group& ranks = batch.ranks();
  const int64_t output_bytes =
      outputs.held_bytes() + gathering_bytes(seen.pixels->extent(), planes_of(e), ranks.size());
  batch.call(task, output_bytes);
  std::optional<Prepared> slide;
  const auto work = [&](const PredictedTile& predicted) {
    return [&outputs, tiles = encode(outputs, predicted)]() mutable {
      for (const auto& tile : tiles) outputs.add(tile);
    };
  };
  batch.share(
      [&] {
        slide.emplace(
            prepare(e, ranks, seen, task.reader->info().held_bytes, output_bytes, task.progress));
      },
      [&] { predict(e, ranks, *slide, work); });
  const auto& count = slide->decoding.count;
  return count ? std::optional(count->load()) : std::nullopt;
}

/// Parts of the pixels with data by class, and the area of those that are drawn.
NumbersByClass describe_classes(const MaskExport& e, const SlideOutputs& outputs,
                                SlideReport& report) {
  const auto& pixels = outputs.pixels();
  const MaskFacts& facts = outputs.facts();
  int64_t with_data = 0;
  for (size_t c = 0; c < kIgnoredLabel; ++c) with_data += pixels[c];
  const auto& classes = e.model.info().classes;
  int64_t drawn = 0;
  NumbersByClass fractions;
  const auto part = [&](int64_t count) {
    return with_data > 0 ? static_cast<double>(count) / static_cast<double>(with_data) : 0.0;
  };
  for (int64_t label = e.model.logit_count() == 1 ? 1 : 0; label < label_count(facts); ++label) {
    const auto named = static_cast<size_t>(e.model.logit_count() == 1 ? 0 : label);
    const std::string name = named < classes.size() ? classes[named].name : "tissue";
    const int64_t count = pixels[static_cast<size_t>(label)];
    fractions.emplace_back(name, part(count));
    const bool is_object = classes.size() < 2 || is_drawn(facts.classes[named]);
    if (is_object) drawn += count;
  }
  constexpr double kUm2PerMm2 = 1e6;
  report.tissue_fraction = part(drawn);
  if (facts.scale) {
    report.area_mm2 =
        static_cast<double>(drawn) * facts.scale->mpp_x * facts.scale->mpp_y / kUm2PerMm2;
  }
  if (drawn == 0) {
    report.status = SlideStatus::kEmpty;
    report.reason_code = "no_tissue";
    report.reason = "no pixel belongs to a class that is drawn";
  }
  return fractions;
}

void describe(const MaskExport& e, const ViewInfo& view, const SlideOutputs& outputs,
              std::optional<int64_t> decoded_by_nvimgcodec, SlideReport& report) {
  report.origin_x = view.frame_level0.cols.begin;
  report.origin_y = view.frame_level0.rows.begin;
  report.mask = view.extent;
  report.mask_mpp = view.mpp_x;
  report.objects = outputs.objects();
  for (const auto& file : outputs.files()) report.outputs.push_back(file.filename().string());
  MaskDetails details{{}, describe_classes(e, outputs, report), decoded_by_nvimgcodec};
  if (outputs.wants(OutputFormat::kPng)) {
    details.mask_downsample = view.downsample_x * static_cast<double>(outputs.png_downsample());
  }
  report.details = std::move(details);
}

}  // namespace

SlideResult export_masks(const MaskExport& e, SharedBatch& batch, SlideTask task) {
  Stopwatch watch;
  const auto view = open_view(e, task.entry, task.reader);
  SlideOutputs outputs(task.out, task.report.slide_id, mask_facts(e, view->info()), e.output);
  if (!e.output.png_downsample && outputs.png_downsample() > 1) {
    note(fmt::format("{}: the PNG is made at 1/{}, the largest that other programs read",
                     task.report.slide_id, outputs.png_downsample()));
  }
  const auto pixels = seen_pixels(e.settings(), task, view);
  if (e.settings().data.stain.method != StainMethod::kNone) watch.lap("stains");
  const auto decoded = predict_slide(e, batch, task, {view, pixels}, outputs);
  watch.lap("predict");
  const Picture thumbnail = view_thumbnail(task.reader, view->info(), kLargestThumbnail);
  watch.lap("thumbnail");
  outputs.finish(thumbnail);
  describe(e, view->info(), outputs, decoded, task.report);
  SlideResult result{std::move(task.report), outputs.outlined(thumbnail), {}};
  watch.lap("write");
  result.seconds = watch.laps();
  return result;
}

void export_share(const MaskExport& e, const SharedBatch& batch, const SharedSlide& shared) {
  Group& ranks = batch.ranks();
  std::optional<Prepared> slide;
  batch.share(
      [&] {
        const auto reader = shared.open();
        const auto view = open_view(e, shared.entry, reader);
        const SeenPixels seen = see_pixels(e.settings(), shared.entry, reader, view);
        slide.emplace(prepare(e, ranks, {view, seen.pixels}, reader->info().held_bytes,
                              shared.output_bytes, {}));
      },
      [&] { predict(e, ranks, *slide, {}); });
}

}  // namespace untiled
