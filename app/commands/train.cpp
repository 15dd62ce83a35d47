// train: whole slides in, weights, metrics and previews out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/pipeline/engine.h"
#include "app/pipeline/evaluation.h"
#include "app/pipeline/slide_set.h"
#include "data/loader/augment.h"
#include "data/loader/region_loader.h"
#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/random.h"
#include "lib/device/memory_meter.h"
#include "lib/train/losses.h"
#include "lib/train/run_folder.h"
#include "lib/train/trainer.h"
#include "models/unet.h"

namespace untiled {
namespace {

/// Slides above this many pixels get a progress line within each step.
constexpr int64_t kLongStepPixels = 64'000'000;
enum DrawKey : uint64_t { kOrientationDraw = 11, kJitterDraw = 12 };

/// What a step reads of a slide: pixels and labels, augmented alike.
struct StepImage {
  std::shared_ptr<const PixelSource> pixels;
  std::shared_ptr<const PixelSource> labels;
};

class TrainingRun {
 public:
  explicit TrainingRun(const Settings& settings)
      : settings_(settings),
        engine_(settings, logit_channels(settings.data)),
        loss_(make_loss(settings.train.loss, logit_channels(settings.data),
                        class_weights(settings.data))) {
    const Cohort cohort = load_cohort(settings.data);
    training_ = open_slides(settings, cohort.training);
    validation_ = open_slides(settings, cohort.validation);
    plan_all();
  }

  Summary run(const RunFolder& folder);

 private:
  void plan_all();
  void make_all_labels();
  std::vector<SlideInput>& evaluated() { return validation_.empty() ? training_ : validation_; }
  StepImage augment(const SlideInput& input, int64_t step, size_t slide) const;
  SlideGradients gradients(const NamedTensors& parameters, int64_t step, size_t slide);
  SlideScore evaluate(const NamedTensors& parameters, size_t slide,
                      const std::filesystem::path& folder);
  TrainOptions options() const;
  std::vector<std::string> timing_parts() const;
  void use(const SlideInput& input);

  Settings settings_;
  MemoryMeter meter_;
  Engine engine_;
  std::unique_ptr<PixelLoss> loss_;
  std::vector<SlideInput> training_;
  std::vector<SlideInput> validation_;
  int64_t fixed_bytes_ = 0;
  std::map<size_t, Picture> thumbnails_;
  const SlideInput* open_ = nullptr;
};

/// Fails before any pixel is read when the budget is too small for one of the slides.
void TrainingRun::plan_all() {
  std::vector<SlideInput> all = training_;
  all.insert(all.end(), validation_.begin(), validation_.end());
  const int64_t reading = reading_bytes(settings_, all);
  int64_t needed = 0;
  for (const SlideInput& s : training_) {
    needed =
        std::max(needed, engine_.plan_training(s.slide->extent(), reading).memory.total_bytes());
  }
  for (const SlideInput& s : validation_) {
    needed =
        std::max(needed, engine_.plan_inference(s.slide->extent(), reading).memory.total_bytes());
  }
  const CacheChoice cache = choose_cache(settings_, all, settings_.memory_budget - needed);
  fixed_bytes_ = reading + cache.resident_bytes;
  // A RAM cache that was asked for must fit too.
  for (const SlideInput& s : training_) engine_.plan_training(s.slide->extent(), fixed_bytes_);
  put_behind_cache(settings_, cache, training_);
  put_behind_cache(settings_, cache, validation_);
}

void TrainingRun::make_all_labels() {
  for (std::vector<SlideInput>* set : {&training_, &validation_}) {
    for (SlideInput& s : *set) {
      s.labels = make_labels(settings_, s);
      s.slide->close();
    }
  }
}

/// Keeps the decoder of one slide open at a time.
void TrainingRun::use(const SlideInput& input) {
  if (open_ != nullptr && open_ != &input) open_->slide->close();
  open_ = &input;
}

StepImage TrainingRun::augment(const SlideInput& input, int64_t step, size_t slide) const {
  StepImage image{input.pixels, input.labels};
  const auto key = [&](uint64_t purpose) {
    return Random(settings_.seed, purpose, static_cast<uint64_t>(step), slide);
  };
  const AugmentSettings& augment = settings_.augment;
  if (augment.flip || augment.rotate) {
    Random random = key(kOrientationDraw);
    const Orientation orientation = draw_orientation(random, augment);
    image.pixels = make_oriented(image.pixels, orientation);
    image.labels = make_oriented(image.labels, orientation);
  }
  if (augment.stain > 0 || augment.brightness > 0) {
    Random random = key(kJitterDraw);
    image.pixels = make_jittered(image.pixels, draw_jitter(random, augment));
  }
  return image;
}

SlideGradients TrainingRun::gradients(const NamedTensors& parameters, int64_t step, size_t slide) {
  const SlideInput& input = training_[slide];
  use(input);
  const StepImage image = augment(input, step, slide);
  const Extent extent = image.pixels->extent();
  const PlannedStep planned = engine_.plan_training(extent, fixed_bytes_);
  std::optional<Progress> progress;
  if (extent.area() > kLongStepPixels) {
    progress.emplace(fmt::format("step {} pixels", step),
                     pixels_to_report(planned.plan, extent, loss_->needs_totals()));
  }
  const RegionLoader loader(image.pixels, {settings_.data.workers, settings_.data.queue_bytes});
  const Executor executor = engine_.executor(planned.plan, [&](int64_t pixels) {
    if (progress) progress->advance(pixels);
  });
  StepResult result = executor.step(parameters.tensors, loader, *image.labels, *loss_);
  SlideGradients out;
  out.loss = result.loss;
  out.gradients = std::move(result.gradients);
  out.pixels = extent.area();
  out.seconds = std::move(result.seconds);
  out.seconds["waiting for pixels"] = loader.statistics().waited_seconds;
  return out;
}

SlideScore TrainingRun::evaluate(const NamedTensors& parameters, size_t slide,
                                 const std::filesystem::path& folder) {
  const SlideInput& input = evaluated()[slide];
  use(input);
  if (!thumbnails_.contains(slide)) thumbnails_[slide] = slide_thumbnail(settings_, input);
  const RegionLoader loader(input.pixels, {settings_.data.workers, settings_.data.queue_bytes});
  const Plan plan = engine_.plan_inference(input.slide->extent(), fixed_bytes_).plan;
  return evaluate_slide(engine_, settings_, parameters.tensors, input, loader, thumbnails_[slide],
                        *loss_, plan, folder);
}

std::vector<std::string> TrainingRun::timing_parts() const {
  std::vector<std::string> parts = {"labels"};
  for (const LayerId id : engine_.graph().storable_layers()) {
    parts.push_back(engine_.graph().layer(id).name + " forward");
  }
  if (loss_->needs_totals()) parts.emplace_back("loss sums");
  parts.emplace_back("loss and backward");
  for (const LayerId id : engine_.graph().storable_layers()) {
    parts.push_back(engine_.graph().layer(id).name + " backward");
  }
  parts.emplace_back("waiting for pixels");
  return parts;
}

TrainOptions TrainingRun::options() const {
  TrainOptions options;
  options.settings = settings_;
  options.parameters = initial_parameters(engine_.graph(), settings_.seed);
  if (engine_.dtype() == at::kDouble) {
    for (at::Tensor& t : options.parameters.tensors) t = t.to(at::kDouble);
  }
  for (const SlideInput& s : training_) options.training_slides.push_back(s.id);
  const auto& evaluated = validation_.empty() ? training_ : validation_;
  for (const SlideInput& s : evaluated) options.evaluation_slides.push_back(s.id);
  options.checkpoint.model = settings_.model;
  options.checkpoint.classes = settings_.data.classes;
  if (options.checkpoint.classes.empty()) {
    options.checkpoint.classes = {{.name = "tissue", .value = 1, .color = {60, 120, 190}}};
  }
  options.checkpoint.training_mpp = training_.front().slide->info().mpp_x;
  options.checkpoint.training_level = settings_.data.level;
  options.checkpoint.threshold = settings_.train.threshold;
  options.checkpoint.version = UNTILED_VERSION;
  options.provenance.version = UNTILED_VERSION;
  options.provenance.device = engine_.device().device.str();
  const auto record = [&](const SlideInput& s, const std::string& split) {
    options.provenance.slides.push_back({s.id, s.entry.path.string(), split,
                                         fingerprint(s.slide->slide()), s.slide->extent(),
                                         s.slide->info().mpp_x});
  };
  for (const SlideInput& s : training_) record(s, "train");
  for (const SlideInput& s : validation_) record(s, "validation");
  options.timing_parts = timing_parts();
  return options;
}

Summary TrainingRun::run(const RunFolder& folder) {
  make_all_labels();
  TrainCallbacks callbacks;
  callbacks.gradients = [&](const NamedTensors& p, int64_t step, size_t slide) {
    return gradients(p, step, slide);
  };
  callbacks.evaluate = [&](const NamedTensors& p, int64_t /*step*/, size_t slide) {
    return evaluate(p, slide, folder.path());
  };
  callbacks.budget_used_bytes = [&] { return meter_.used_bytes(); };
  return run_training(folder, options(), callbacks);
}

std::string result_line(const RunFolder& folder, const Summary& summary) {
  return fmt::format("{}: {} steps, {} a step, best Dice {:.4f} at step {}, peak memory {}",
                     folder.path().string(), summary.steps,
                     format_duration(summary.seconds_per_step), summary.best_dice,
                     summary.best_step, format_bytes(summary.peak_rss_bytes));
}

int train(const SettingsOptions& options, const std::string& out, bool resume, bool json) {
  Settings settings = options.load();
  if (!out.empty()) settings.run.folder = std::filesystem::absolute(out);
  TrainingRun run(settings);
  const RunFolder folder(settings.run.folder, resume);
  const Summary summary = run.run(folder);
  if (json) {
    fmt::print("{}\n", read_file(folder.summary()));
  } else {
    fmt::print("{}\n", result_line(folder, summary));
  }
  return 0;
}

}  // namespace

Command train_command() {
  return {"train", "Train a network on whole slides",
          "untiled train configs/demo.yaml --set train.steps=50", [](CLI::App& verb) {
            const auto settings = add_settings_options(verb, ConfigFile::kRequired);
            const auto json = add_json_flag(verb);
            const auto resume = std::make_shared<bool>(false);
            const auto out = std::make_shared<std::string>();
            verb.add_flag("--resume", *resume, "Go on from the run folder's last checkpoint");
            verb.add_option("--out", *out, "Run folder, instead of run.folder");
            return [=] { return train(*settings, *out, *resume, *json); };
          }};
}

}  // namespace untiled
