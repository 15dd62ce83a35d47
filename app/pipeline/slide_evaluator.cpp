#include "app/pipeline/slide_evaluator.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "app/batch/batch_folder.h"
#include "app/pipeline/tile_decoder.h"
#include "data/cohort/slide_identity.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "lib/core/output_format.h"
#include "lib/ranks/alike.h"
#include "lib/ranks/together.h"
#include "lib/train/losses.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Masks of 0 and 255 are what a model without named classes was trained from.
void forget_default_class(Settings& settings) {
  const auto& classes = settings.data.classes;
  if (classes.size() == 1 && classes[0].name == "tissue" && classes[0].value == 1) {
    settings.data.classes.clear();
  }
}

class ModelEvaluator : public SlideEvaluator {
 public:
  ModelEvaluator(std::unique_ptr<TrainedModel> model, Group& ranks)
      : SlideEvaluator(model->settings()),
        model_(std::move(model)),
        decoder_(
            choose_tile_decoder(model_->settings(), model_->engine().device(), CacheMode::kNone)),
        ranks_(ranks) {}

  ScoredSlide score(const CohortEntry& entry, const std::string& id,
                    const fs::path& folder) const override {
    Together together(ranks_);
    Slide slide;
    together.attempt([&] { slide = prepare(entry, id); });
    together.settle();
    require_alike(ranks_, fingerprint(slide.input.slide->slide()), "another file of " + id,
                  "let all machines see the same files");
    SlideScorer scorer(model_->engine(), settings(), slide.input, slide.thumbnail.extent,
                       *slide.loss, ranks_);
    together.attempt([&] { scorer.score_tiles(model_->parameters(), slide.planned); });
    together.settle();
    SlideScore result = scorer.unite();
    together.attempt([&] {
      const bool draws = ranks_.rank() == 0 && !folder.empty();
      if (draws) result.preview_png = scorer.preview(slide.thumbnail, folder);
      slide.input.require_unchanged();
    });
    together.settle();
    ScoredSlide scored{std::move(result), std::move(slide.thumbnail)};
    const auto& count = slide.input.decoding.count;
    if (count) scored.decoded_by_nvimgcodec = count->load();
    return scored;
  }

  std::vector<fs::path> files(const CohortEntry& entry, const std::string& /*id*/) const override {
    return {entry.mask};
  }
  std::string other_decoder() const override {
    return decoder_.changes_pixels() ? decoder_.name : "";
  }

 private:
  /// What a rank has before its first tile.
  struct Slide {
    SlideInput input;
    PlannedStep planned;
    std::unique_ptr<PixelLoss> loss;
    Picture thumbnail;
  };

  Slide prepare(const CohortEntry& entry, const std::string& id) const {
    Slide slide{.input = open(entry, id, view_options(settings(), entry), settings().data.stain)};
    measure_stains(settings(), *slide.input.slide, id);
    slide.input.decoding = decoding_of(decoder_, [lazy = slide.input.slide](const Region& cell) {
      return lazy->stored_tile(cell);
    });
    const LazySlide& pixels = *slide.input.slide;
    const Engine& engine = model_->engine();
    MemoryLedger fixed;
    fixed[Holder::kReaders] = reading_bytes(pixels, pixels.slide().held_bytes);
    fixed[Holder::kStains] = stain_bytes(settings().data.stain);
    slide.planned = engine.plan_inference(shape_of(pixels), fixed, MaskUse::kScores);
    slide.loss =
        make_loss(settings().train.loss, model_->logit_count(),
                  class_weights(settings().data.classes), engine.device().profile.has_float64);
    slide.thumbnail = slide_thumbnail(slide.input);
    return slide;
  }

  std::unique_ptr<TrainedModel> model_;
  TileDecoder decoder_;
  Group& ranks_;
};

class MaskEvaluator : public SlideEvaluator {
 public:
  MaskEvaluator(Settings settings, const MaskFolder& folder, Group& ranks)
      : SlideEvaluator(std::move(settings)), folder_(folder.path), ranks_(ranks) {
    for (size_t i = 0; i < folder.rows.entries.size(); ++i) {
      names_[key_of(folder.rows.entries[i])] = folder.rows.ids[i];
    }
  }

  ScoredSlide score(const CohortEntry& entry, const std::string& id,
                    const fs::path& folder) const override {
    Together together(ranks_);
    std::optional<Masks> masks;
    together.attempt([&] { masks.emplace(prepare(entry, id)); });
    together.settle();
    SlideScore result = compare_labels(settings(), masks->input, *masks->prediction,
                                       masks->thumbnail, folder, ranks_);
    together.attempt([&] {
      masks->input.require_unchanged();
      masks->prediction->require_unchanged();
    });
    together.settle();
    return {std::move(result), std::move(masks->thumbnail)};
  }

  std::vector<fs::path> files(const CohortEntry& entry, const std::string& /*id*/) const override {
    return {entry.mask, mask_of(entry)};
  }

 private:
  struct Masks {
    SlideInput input;
    std::unique_ptr<LazyMask> prediction;
    Picture thumbnail;
  };

  Masks prepare(const CohortEntry& entry, const std::string& id) const {
    const fs::path file = mask_of(entry);
    ViewOptions view = view_options(settings(), entry);
    view.level = 0;
    view.mpp.reset();
    const Extent level0 = LazySlide(entry.path, view).extent();
    constexpr int64_t kMostPixels = int64_t{64} << 20;
    int64_t d = 1;
    while (ceil_div(level0.rows, d) * ceil_div(level0.cols, d) > kMostPixels) d *= 2;
    view.stated_mpp = 1.0;  // A scale in level-0 pixels: the slide's own may be unknown.
    view.mpp = static_cast<double>(d);
    view.exact_extent = true;
    Masks masks{.input = open(entry, id, view, {})};  // No network looks at its pixels.
    Settings as_exported = settings();                // Many objects are exported as detections.
    as_exported.labels.objects = LabelObjects::kAll;
    masks.prediction =
        std::make_unique<LazyMask>(file, view_of_mask(masks.input, file), as_exported);
    masks.thumbnail = slide_thumbnail(masks.input);
    return masks;
  }

  /// What export writes of a region covers the region alone, but for annotations, which are where
  /// they are on the slide; label writes masks of whole slides.
  ViewInfo view_of_mask(const SlideInput& input, const fs::path& file) const {
    ViewInfo view = input.slide->info();
    const auto& region = input.entry.region;
    const bool is_raster = !file.string().ends_with(ending_of(OutputFormat::kGeoJson));
    if (region && is_raster && verb_of_folder(folder_) != "label") {
      view.frame_level0 =
          shift(*region, view.frame_level0.rows.begin, view.frame_level0.cols.begin);
    }
    return view;
  }

  fs::path mask_of(const CohortEntry& entry) const {
    const std::string& name = names_.at(key_of(entry));
    if (auto file = find_mask(name)) return *file;
    if (auto file = find_mask(anonymous_entry_id(entry, open_slide(entry.path)->info()))) {
      return *file;
    }
    throw DataError(fmt::format("{}: no mask of {} is there, such as {}", folder_.string(), name,
                                name + ending_of(OutputFormat::kPng)));
  }

  std::optional<fs::path> find_mask(const std::string& name) const {
    for (const OutputFormat format :
         {OutputFormat::kTiff, OutputFormat::kOmeTiff, OutputFormat::kPng, OutputFormat::kOmeZarr,
          OutputFormat::kGeoJson}) {
      fs::path file = folder_ / (name + ending_of(format));
      std::error_code none;
      if (fs::is_regular_file(file, none) || is_zarr_folder(file)) return file;
    }
    return std::nullopt;
  }

  fs::path folder_;
  std::map<EntryKey, std::string> names_;  ///< Of the slides, as masks have them.
  Group& ranks_;
};

}  // namespace

SlideEvaluator::SlideEvaluator(Settings settings) : settings_(std::move(settings)) {
  forget_default_class(settings_);
}

SlideInput SlideEvaluator::open(const CohortEntry& entry, const std::string& id,
                                const ViewOptions& view, const StainSettings& stain) const {
  SlideInput input{.entry = entry, .id = id};
  input.slide = std::make_shared<LazySlide>(entry.path, view, stain);
  input.pixels = input.slide;
  make_labels(settings_, input);
  return input;
}

std::unique_ptr<SlideEvaluator> make_model_evaluator(std::unique_ptr<TrainedModel> model,
                                                     Group& ranks) {
  return std::make_unique<ModelEvaluator>(std::move(model), ranks);
}

std::unique_ptr<SlideEvaluator> make_mask_evaluator(Settings settings, const MaskFolder& folder,
                                                    Group& ranks) {
  return std::make_unique<MaskEvaluator>(std::move(settings), folder, ranks);
}

}  // namespace untiled
