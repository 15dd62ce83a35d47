#include "app/pipeline/training_run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/pipeline/label_overlay.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/recorded_settings.h"
#include "app/pipeline/step_image.h"
#include "app/pipeline/training_report.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/ranks/team.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace untiled {

TrainingRun::TrainingRun(const Settings& settings, Group& ranks)
    : settings_(settings),
      ranks_(ranks),
      engine_(with_own_device(settings, ranks), logit_channels(settings.data.classes.size())),
      meter_(engine_.device().device),
      loss_(make_loss(settings.train.loss, logit_channels(settings.data.classes.size()),
                      class_weights(settings.data.classes), engine_.device().profile.has_float64)),
      slides_(open_slides(settings, load_cohort(settings.data.cohort))),
      plan_(plan_run(engine_, settings, sizes_of(settings, slides_.training),
                     sizes_of(settings, slides_.validation))),
      decoder_(choose_tile_decoder(settings, engine_.device(), plan_.cache)) {
  put_behind_cache(settings_, plan_.cache, slides_.training);
  put_behind_cache(settings_, plan_.cache, slides_.validation);
  decoded_tiles_ = use_tile_decoder(decoder_, {&slides_.training, &slides_.validation});
  make_team();
  if (ranks_.size() == 1) return;
  require_alike(ranks_, {settings_, provenance().slides,
                         engine_.kernels() + engine_.backend().simd() + " " + decoder_.name,
                         "set simd to what all have (avx512, avx2, neon or scalar) and data.decode "
                         "to host, or last bits differ"});
  begin_sums();
}

void TrainingRun::begin_sums() {
  if (sharing().size() == 1) return;
  sums_ = choose_rank_sums(settings_, engine_.device(), sharing());
  const bool is_cuda = engine_.device().device.is_cuda();
  if (is_cuda && ranks_.rank() == 0) note(fmt::format("sums of ranks: {}", sums_.way));
}

void TrainingRun::make_team() {
  const bool is_alone = ranks_.size() == 1;  // Settings for several ranks run on one as well.
  const int size =
      is_alone || settings_.ranks.per_slide == 0 ? ranks_.size() : settings_.ranks.per_slide;
  if (ranks_.size() % size != 0) {
    throw ConfigError(
        fmt::format("ranks.per_slide {}: {} ranks cannot be divided by it", size, ranks_.size()));
  }
  teams_ = ranks_.size() / size;
  if (teams_ > settings_.train.accumulate) {
    throw ConfigError(fmt::format(
        "ranks.per_slide {} makes {} teams of {} ranks, but a step has {} slide(s): set "
        "train.accumulate to {} or more",
        size, teams_, ranks_.size(), settings_.train.accumulate, teams_));
  }
  // Fails where the layout is for another number of ranks.
  choose_rank_grid(parse_rank_layout(settings_.ranks.layout), size, {1, 1}, {1, 1}, {0, 0});
  if (teams_ > 1) team_ = std::make_unique<Team>(ranks_, ranks_.rank() / size * size, size);
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
  const ShapeKey key = key_of(shape);
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
  if (ranks_.rank() == 0 && extent.area() > kLongPassPixels) {
    progress.emplace(fmt::format("step {} pixels", step),
                     engine_.reported_pixels(planned.plan, extent, engine_.training_purpose()));
  }
  const auto on_pixels = [&](int64_t pixels) {
    if (progress) progress->advance(pixels);
  };
  const Executor executor = engine_.executor(
      planned, on_pixels,
      {.ranks = &sharing(),
       .link = sums_.link.get(),
       .decoding = image.pixels == input.pixels ? input.decoding : TileDecoding{}});
  StepResult result = executor.step(parameters.tensors, *image.pixels, *image.labels, *loss_);
  input.require_unchanged();
  SlideGradients out;
  out.loss = result.loss;
  out.gradients = std::move(result.gradients);
  out.pixels = extent.area();
  out.seconds = std::move(result.seconds);
  out.reads_per_pixel = result.reads_per_pixel;
  return out;
}

/// Team by team the slides of a step, one after the other.
std::vector<SlideGradients> TrainingRun::step_gradients(const NamedTensors& parameters,
                                                        int64_t step,
                                                        const std::vector<size_t>& slides) {
  std::vector<SlideGradients> mine(slides.size());
  const auto team = static_cast<size_t>(ranks_.rank() / sharing().size());
  for (size_t i = team; i < slides.size(); i += static_cast<size_t>(teams_)) {
    mine[i] = gradients(parameters, step, slides[i]);
  }
  if (teams_ == 1) return mine;
  return unite(ranks_, std::move(mine), sharing().rank() == 0, parameters);
}

SlideScore TrainingRun::evaluate(const NamedTensors& parameters, size_t slide,
                                 const std::filesystem::path& folder) {
  const SlideInput& input = evaluated()[slide];
  use(input);
  const Picture thumbnail = thumbnail_of(slide);
  const PlannedStep planned =
      engine_.plan_inference(shape_of(*input.pixels), plan_.fixed, MaskUse::kScores);
  SlideScore score = evaluate_slide(engine_, settings_, parameters.tensors, input, thumbnail,
                                    *loss_, planned, folder, ranks_);
  input.require_unchanged();
  return score;
}

/// Those of the first slides are kept; more of them would take the budget of what is in work.
Picture TrainingRun::thumbnail_of(size_t slide) {
  const auto kept = thumbnails_.find(slide);
  if (kept != thumbnails_.end()) return kept->second;
  Picture thumbnail = slide_thumbnail(evaluated()[slide]);
  if (static_cast<int64_t>(thumbnails_.size()) < kKeptThumbnails) thumbnails_[slide] = thumbnail;
  return thumbnail;
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
  info.stains = target_stains(settings_.data.stain);
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
  provenance.decoder = decoder_.name;
  provenance.deidentify = settings_.run.deidentify;
  provenance.slides = recorded(slides_);
  return provenance;
}

TrainOptions TrainingRun::options() const {
  TrainOptions options;
  options.train = settings_.train;
  options.seed = settings_.seed;
  options.settings = recorded(settings_);
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
  if (!sums_.way.empty()) options.rank_sums = sums_.way;
  options.schedule = name_of(engine_.plan_training(shape, plan_.fixed).plan.order);
  return options;
}

TrainCallbacks TrainingRun::callbacks(const RunFolder& folder) {
  using Kind = RankCall::Kind;
  TrainCallbacks callbacks;
  callbacks.begin_step = [&](const NamedTensors& p, int64_t step,
                             const std::vector<size_t>& slides) {
    send_call(ranks_, {Kind::kGradients, step, slides}, p);
    begun_ = step_gradients(p, step, slides);
    std::reverse(begun_.begin(), begun_.end());
  };
  callbacks.gradients = [&](const NamedTensors& /*p*/, int64_t /*step*/, size_t /*slide*/) {
    SlideGradients next = std::move(begun_.back());
    begun_.pop_back();
    return next;
  };
  callbacks.evaluate = [&](const NamedTensors& p, int64_t step, size_t slide) {
    send_call(ranks_, {Kind::kEvaluate, step, {slide}}, p);
    return evaluate(p, slide, folder.path());
  };
  callbacks.report = [&] { write_training_report(folder); };
  callbacks.decoded_tiles = [&] { return decoded_tiles_->load(); };
  callbacks.budget_used_bytes = [&] { return meter_.used_bytes(); };
  callbacks.rank_memory = [&] {
    send_call(ranks_, {Kind::kMemory, 0, {}}, {});
    return memory_of(ranks_);
  };
  return callbacks;
}

Summary TrainingRun::run(const RunFolder& folder) {
  // What is left to this thread is small (a few thousand weights): threads that wait for more of it
  // would only take time from the tiles.
  at::set_num_threads(1);
  measure_all_stains(settings_, slides_, plan_.counting_workers);
  // A resumed run has its pictures.
  make_all_labels(settings_, slides_, folder.has_state() ? "" : folder.labels());
  return_heap_memory();  // Pictures of whole slides were made, and steps need none.
  Summary summary = run_training(folder, options(), callbacks(folder));
  send_call(ranks_, {RankCall::Kind::kEnd, 0, {}}, {});
  if (sums_.link) sums_.link->close();
  return summary;
}

void TrainingRun::follow() {
  at::set_num_threads(1);
  measure_all_stains(settings_, slides_, plan_.counting_workers);
  make_all_labels(settings_, slides_, "");
  return_heap_memory();
  const NamedTensors parameters = options().parameters;
  follow_calls(
      ranks_, parameters,
      [&](const RankCall& call) { step_gradients(parameters, call.step, call.slides); },
      [&](const RankCall& call) { evaluate(parameters, call.slides.front(), ""); });
  if (sums_.link) sums_.link->close();
}

}  // namespace untiled
