#include "app/pipeline/training_run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <array>
#include <optional>

#include "app/pipeline/label_overlay.h"
#include "app/pipeline/step_image.h"
#include "app/pipeline/training_report.h"
#include "data/slide/fingerprint.h"
#include "lib/core/progress.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace untiled {

TrainingRun::TrainingRun(const Settings& settings)
    : settings_(settings),
      engine_(settings, logit_channels(settings.data)),
      meter_(engine_.device().device),
      loss_(make_loss(settings.train.loss, logit_channels(settings.data),
                      class_weights(settings.data), engine_.device().profile.has_float64)),
      slides_(open_slides(settings, load_cohort(settings.data))),
      plan_(plan_run(engine_, settings, sizes_of(settings, slides_.training),
                     sizes_of(settings, slides_.validation))) {
  put_behind_cache(settings_, plan_.cache, slides_.training);
  put_behind_cache(settings_, plan_.cache, slides_.validation);
}

const std::vector<SlideInput>& TrainingRun::evaluated() const {
  return slides_.validation.empty() ? slides_.training : slides_.validation;
}

/// Keeps one slide's decoder and mask open at a time.
void TrainingRun::use(const SlideInput& input) {
  if (open_ != nullptr && open_ != &input) open_->close();
  open_ = &input;
}

const PlannedStep& TrainingRun::planned_step(const PixelSource& pixels) {
  const SlideShape shape = shape_of(pixels);
  const std::array<int64_t, 4> key = {shape.extent.rows, shape.extent.cols, shape.access.cell_rows,
                                      shape.access.first_row};
  const auto found = steps_.find(key);
  if (found != steps_.end()) return found->second;
  return steps_.emplace(key, engine_.plan_training(shape, plan_.fixed)).first->second;
}

SlideGradients TrainingRun::gradients(const NamedTensors& parameters, int64_t step, size_t slide) {
  const SlideInput& input = slides_.training[slide];
  use(input);
  const StepImage image = augmented(settings_, {input.pixels, input.labels}, step, slide);
  const Extent extent = image.pixels->extent();
  const PlannedStep& planned = planned_step(*image.pixels);
  std::optional<Progress> progress;
  if (extent.area() > kLongPassPixels) {
    progress.emplace(fmt::format("step {} pixels", step),
                     engine_.reported_pixels(planned.plan, extent, engine_.training_purpose()));
  }
  const Executor executor = engine_.executor(planned, [&](int64_t pixels) {
    if (progress) progress->advance(pixels);
  });
  StepResult result = executor.step(parameters.tensors, *image.pixels, *image.labels, *loss_);
  SlideGradients out;
  out.loss = result.loss;
  out.gradients = std::move(result.gradients);
  out.pixels = extent.area();
  out.seconds = std::move(result.seconds);
  out.reads_per_pixel = result.reads_per_pixel;
  return out;
}

SlideScore TrainingRun::evaluate(const NamedTensors& parameters, size_t slide,
                                 const std::filesystem::path& folder) {
  const SlideInput& input = evaluated()[slide];
  use(input);
  if (!thumbnails_.contains(slide)) thumbnails_[slide] = slide_thumbnail(input);
  const PlannedStep planned =
      engine_.plan_inference(shape_of(*input.pixels), plan_.fixed, MaskUse::kScores);
  return evaluate_slide(engine_, settings_, parameters.tensors, input, thumbnails_[slide], *loss_,
                        planned, folder);
}

std::vector<std::string> TrainingRun::timing_parts() const {
  const Graph& graph = engine_.graph();
  std::vector<std::string> parts = {kLabelSeconds};
  for (const LayerId id : graph.storable_layers()) {
    parts.push_back(graph.layer(id).name + " forward");
  }
  if (loss_->needs_totals()) parts.emplace_back("loss sums");
  parts.emplace_back("loss and backward");
  for (const LayerId id : graph.storable_layers()) {
    parts.push_back(graph.layer(id).name + " backward");
  }
  parts.emplace_back("reading");
  parts.emplace_back("waiting");
  return parts;
}

CheckpointInfo TrainingRun::checkpoint_info() const {
  CheckpointInfo info;
  info.model = settings_.model;
  info.classes = settings_.data.classes;
  if (info.classes.empty()) {
    info.classes = {{.name = "tissue", .value = 1, .color = {60, 120, 190}}};
  }
  info.training_mpp = slides_.training.front().slide->info().mpp_x;
  info.training_level = settings_.data.level;
  info.threshold = settings_.train.threshold;
  info.version = UNTILED_VERSION;
  return info;
}

Provenance TrainingRun::provenance() const {
  Provenance provenance;
  provenance.version = UNTILED_VERSION;
  provenance.device = engine_.device().device.str();
  provenance.kernels = engine_.kernels();
  provenance.simd = engine_.backend().simd();
  provenance.deidentify = settings_.run.deidentify;
  const auto record = [&](const SlideInput& s, const std::string& split) {
    provenance.slides.push_back({s.id, s.entry.path.string(), split, fingerprint(s.slide->slide()),
                                 s.slide->extent(), s.slide->info().mpp_x});
  };
  for (const SlideInput& s : slides_.training) record(s, "train");
  for (const SlideInput& s : slides_.validation) record(s, "validation");
  return provenance;
}

TrainOptions TrainingRun::options() const {
  TrainOptions options;
  options.settings = settings_;
  options.parameters = initial_parameters(engine_.graph(), settings_.seed);
  options.pixel_readers = pixel_readers(engine_.graph());
  for (at::Tensor& t : options.parameters.tensors) t = t.to(engine_.dtype());
  for (const SlideInput& s : slides_.training) options.training_slides.push_back(s.id);
  for (const SlideInput& s : evaluated()) options.evaluation_slides.push_back(s.id);
  options.checkpoint = checkpoint_info();
  options.provenance = provenance();
  options.timing_parts = timing_parts();
  const SlideShape shape =
      step_shape(settings_, shape_of(*slides_.training.front().slide), plan_.cache);
  options.schedule = name_of(engine_.plan_training(shape, plan_.fixed).plan.order);
  return options;
}

Summary TrainingRun::run(const RunFolder& folder) {
  // What is left to this thread is small (a few thousand weights): threads that wait for more of it
  // would only take time from the tiles.
  at::set_num_threads(1);
  // A resumed run has its pictures.
  make_all_labels(settings_, slides_, folder.has_state() ? "" : folder.labels());
  TrainCallbacks callbacks;
  callbacks.gradients = [&](const NamedTensors& p, int64_t step, size_t slide) {
    return gradients(p, step, slide);
  };
  callbacks.evaluate = [&](const NamedTensors& p, int64_t /*step*/, size_t slide) {
    return evaluate(p, slide, folder.path());
  };
  callbacks.report = [&] { write_training_report(folder); };
  callbacks.budget_used_bytes = [&] { return meter_.used_bytes(); };
  return run_training(folder, options(), callbacks);
}

}  // namespace untiled
