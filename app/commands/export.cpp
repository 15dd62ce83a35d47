// export: masks and probabilities of slides from a checkpoint.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/batch/shared_batch.h"
#include "app/commands/batch_options.h"
#include "app/commands/batch_output.h"
#include "app/commands/command.h"
#include "app/commands/rank_options.h"
#include "app/config/scale_limits.h"
#include "app/pipeline/class_maps.h"
#include "app/pipeline/mask_export.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {
namespace {

struct ExportOptions {
  std::shared_ptr<BatchArguments> batch;
  RanksOption ranks;
  std::filesystem::path checkpoint;
  std::string probability_type = "uint8";
  ModelScale scale;
  std::optional<int64_t> downsample;
  std::optional<double> threshold;
  /// The first option given that a classifier's maps have not; may be empty.
  std::string of_masks;
};

/// What decides a slide's outputs beside the checkpoint and the verb's own options.
const std::vector<std::string> kSeenSettings = {"data.level",      "data.mpp",    "data.origin",
                                                "data.assume_mpp", "data.stain.", "run.deidentify"};

SampleType sample_type(const ExportOptions& options) {
  return options.probability_type == "float32" ? SampleType::kFloat32 : SampleType::kUint8;
}

Settings load_shared(const ExportOptions& options, const Group& ranks) {
  Settings settings = options.batch->settings->load_for_prediction();
  share_cores(settings, ranks);
  return settings;
}

BatchOptions batch_of(const ExportOptions& options, const Settings& settings,
                      const std::map<std::string, std::string>& identity) {
  BatchOptions batch = options.batch->batch_options("export", settings, identity);
  batch.model_hash = hash_of(read_file(options.checkpoint));
  return batch;
}

int tell(const ExportOptions& options, const BatchOutcome& outcome) {
  if (*options.batch->json) print_json(to_json(outcome));
  return outcome.exit_code;
}

int run_masks(const ExportOptions& options, Group& ranks) {
  const Settings settings = load_shared(options, ranks);
  MaskExport work{{settings, options.checkpoint, options.scale}, options.batch->output_options()};
  work.output.png_downsample = options.downsample;
  work.output.probability_type = sample_type(options);
  work.threshold = options.threshold.value_or(work.model.info().threshold);
  work.decoder =
      choose_tile_decoder(work.settings(), work.model.engine().device(), CacheMode::kNone);
  auto identity = options.batch->identity("export", work.settings(), kSeenSettings);
  identity["threshold"] = fmt::format("{}", work.threshold);
  identity["probability_type"] = options.probability_type;
  identity["downsample"] = fmt::format("{}", options.downsample.value_or(0));
  if (work.decoder.changes_pixels()) identity["decoder"] = work.decoder.name;
  const BatchOptions batch_options = batch_of(options, settings, identity);
  SharedBatch batch(ranks, batch_options);
  if (ranks.rank() != 0) {
    batch.follow([&](const SharedSlide& slide) { export_share(work, batch, slide); });
    return 0;
  }
  return tell(options, batch.lead([&](SlideTask task) {
    return export_masks(work, batch, std::move(task));
  }));
}

int run_maps(const ExportOptions& options, Group& ranks) {
  if (!options.of_masks.empty()) {
    throw ConfigError(fmt::format(
        "{} is for masks, and the checkpoint is a classifier's: it writes predictions.csv and a "
        "probability map a class",
        options.of_masks));
  }
  const Settings settings = load_shared(options, ranks);
  const MapExport work{{settings, options.checkpoint, options.scale}, sample_type(options)};
  auto identity = options.batch->identity("export", work.classifier.settings(), kSeenSettings);
  identity["probability_type"] = options.probability_type;
  BatchOptions batch_options = batch_of(options, settings, identity);
  batch_options.endings = map_endings(work.labels());
  SharedBatch batch(ranks, batch_options);
  if (ranks.rank() != 0) {
    batch.follow([&](const SharedSlide& slide) { export_map_share(work, batch, slide); });
    return 0;
  }
  const BatchOutcome outcome =
      batch.lead([&](SlideTask task) { return export_maps(work, batch, std::move(task)); });
  write_predictions(options.batch->out, work.labels(), outcome);
  return tell(options, outcome);
}

int run_export(const ExportOptions& options, Group& ranks) {
  refuse_foreign_settings(options.batch->settings->overrides);
  return is_classifier(options.checkpoint) ? run_maps(options, ranks) : run_masks(options, ranks);
}

}  // namespace

Command export_command() {
  return {"export", "Write masks, or classes and heat maps, of slides from a checkpoint",
          "untiled export --checkpoint runs/demo/checkpoints/best.safetensors --out masks *.svs",
          [](CLI::App& verb) {
            const auto options = std::make_shared<ExportOptions>();
            options->batch =
                add_batch_arguments(verb,
                                    {"png", "ome-tiff", "tiff", "ome-zarr", "ome-zarr-0.4",
                                     "geojson", "probability", "probability-ome-zarr", "preview"},
                                    {"png"});
            verb.add_option("--checkpoint", options->checkpoint, "Weights, see train")
                ->type_name("FILE.safetensors")
                ->required();
            verb.add_option("--probability-type", options->probability_type, "uint8 or float32")
                ->check(CLI::IsMember({"uint8", "float32"}));
            auto* level = verb.add_option("--level", options->scale.level,
                                          "Pyramid level to run at, instead of the training scale")
                              ->check(CLI::Range(0, kMostLevel));
            verb.add_option("--mpp", options->scale.mpp, "Micrometres per pixel to run at")
                ->check(CLI::Range(kLeastMpp, kMostMpp))
                ->excludes(level);
            verb.add_option("--threshold", options->threshold,
                            "Probability from which a pixel counts, instead of the checkpoint's")
                ->check(CLI::Range(0.0, 1.0));
            verb.add_option("--downsample", options->downsample,
                            "Mask pixels per PNG pixel a side; default: the least that a PNG can "
                            "hold")
                ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
            options->ranks = add_ranks_option(verb);
            return [=, &verb] {
              for (const char* name :
                   {"--format", "--preview", "--tolerance", "--threshold", "--downsample"}) {
                if (options->of_masks.empty() && verb.count(name) > 0) options->of_masks = name;
              }
              return run_ranks(options->ranks,
                               [&](Group& ranks) { return run_export(*options, ranks); });
            };
          }};
}

}  // namespace untiled
