#include "lib/train/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/statistics.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/train/diverged.h"
#include "lib/train/named_tensors.h"
#include "lib/train/optimizer.h"
#include "lib/train/run_log.h"
#include "lib/train/schedule.h"
#include "lib/train/slide_order.h"
#include "lib/train/state.h"

namespace untiled {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> class_names(const CheckpointInfo& info) {
  std::vector<std::string> names;
  for (const ClassSettings& c : info.classes) names.push_back(c.name);
  return names;
}

TrainingState fresh_state(const TrainOptions& options) {
  TrainingState state;
  state.parameters = options.parameters;
  state.seed = options.seed;
  state.last_dice = kUndefined;
  return state;
}

/// The order of slides is drawn from their number: one more or less makes it another run. Where
/// names of files are withheld, the order and the splits are known by the slides' contents alone.
void require_same_slides(const std::filesystem::path& folder, const TrainingState& before,
                         const TrainOptions& options) {
  std::map<std::string, std::string> now;
  for (const SlideRecord& slide : options.provenance.slides) now[slide.name] = slide.fingerprint;
  const auto refuse_missing = [&](const auto& from, const auto& in, const char* what) {
    for (const auto& [name, fingerprint] : from) {
      if (in.contains(name)) continue;
      throw ConfigError(
          fmt::format("cannot resume {}: slide {} {} when this run began; give the same slides or "
                      "train in another run.folder",
                      folder.string(), name, what));
    }
  };
  refuse_missing(now, before.fingerprints, "was not among its slides");
  refuse_missing(before.fingerprints, now, "is missing that was there");
  const auto contents = contents_of(options.provenance.slides);
  if (!are_other_slides(before.slides, contents, options.settings)) return;
  throw ConfigError(fmt::format(
      "cannot resume {}: its slides were in another order, or split in another way, when this run "
      "began; give them as they were or train in another run.folder",
      folder.string()));
}

/// Says what differs from the run so far without being forbidden.
void warn_of_changes(const TrainingState& before, const TrainOptions& options) {
  const auto steps = before.settings.find("train.steps");
  const std::string now = std::to_string(options.train.steps);
  if (steps != before.settings.end() && steps->second != now &&
      options.train.schedule.kind != ScheduleKind::kConstant) {
    warn(
        fmt::format("train.steps was {} and is now {}: from here on the learning rate follows the "
                    "schedule of the new length",
                    steps->second, now));
  }
  for (const SlideRecord& slide : options.provenance.slides) {
    const auto known = before.fingerprints.find(slide.name);
    if (known != before.fingerprints.end() && known->second != slide.fingerprint) {
      warn(fmt::format("slide {} is not the file that this run began with", slide.name));
    }
  }
}

void fit_to_network(TrainingState& state, const NamedTensors& network,
                    const std::filesystem::path& file) {
  try {
    state.parameters = clone(match(state.parameters, network));
    if (state.best) state.best->parameters = match(state.best->parameters, network);
  } catch (const DataError& problem) {
    throw DataError(fmt::format("{} does not fit this network: {}", file.string(), problem.what()));
  }
}

/// The state that a run begins with: the folder's, else a fresh one.
TrainingState first_state(const RunFolder& folder, const TrainOptions& options) {
  TrainingState state = folder.has_state() ? load_state(folder.state()) : fresh_state(options);
  if (folder.has_state()) {
    check_resume(folder.path(), state.settings, options.settings,
                 state.slides == contents_of(options.provenance.slides));
    require_same_slides(folder.path(), state, options);
    warn_of_changes(state, options);
  }
  fit_to_network(state, options.parameters, folder.state());
  state.settings = options.settings.values;
  state.slides = contents_of(options.provenance.slides);
  state.fingerprints.clear();
  for (const SlideRecord& slide : options.provenance.slides) {
    state.fingerprints[slide.name] = slide.fingerprint;
  }
  return state;
}

void check_options(const TrainOptions& options) {
  if (options.training_slides.empty()) throw ConfigError("there is no slide to train on");
  if (options.evaluation_slides.empty()) throw ConfigError("there is no slide to validate on");
  if (options.checkpoint.classes.empty()) throw InternalError("a run needs at least one class");
}

/// Sums over the slides of one step.
struct Accumulated {
  double loss = 0.0;
  Gradients gradients;
  int64_t pixels = 0;
  double reads = 0.0;  ///< Of pixels.
  std::map<std::string, double> seconds;

  double label_seconds() const {
    const auto found = seconds.find(kLabelSeconds);
    return found == seconds.end() ? 0.0 : found->second;
  }

  void add_slide(const SlideGradients& slide) {
    loss += slide.loss;
    gradients = add(gradients, slide.gradients);
    pixels += slide.pixels;
    reads += slide.reads_per_pixel * static_cast<double>(slide.pixels);
    for (const auto& [part, value] : slide.seconds) seconds[part] += value;
  }
};

std::vector<double> in_order(const std::map<std::string, double>& seconds,
                             const std::vector<std::string>& parts) {
  std::vector<double> ordered;
  for (const std::string& part : parts) {
    const auto found = seconds.find(part);
    ordered.push_back(found == seconds.end() ? 0.0 : found->second);
  }
  return ordered;
}

void check_gradients(const Gradients& gradients, const NamedTensors& parameters) {
  bool fits = gradients.size() == parameters.tensors.size();
  for (size_t i = 0; fits && i < gradients.size(); ++i) {
    fits = gradients[i].scalar_type() == at::kDouble && gradients[i].is_cpu() &&
           gradients[i].sizes() == parameters.tensors[i].sizes();
  }
  if (!fits) throw InternalError("gradients must be float64 on the CPU, shaped as the parameters");
}

/// What an update changes, to undo it.
struct Snapshot {
  NamedTensors parameters;
  NamedTensors optimizer;
};

class Trainer {
 public:
  Trainer(const RunFolder& folder, const TrainOptions& options, const TrainCallbacks& callbacks);
  Summary run();

 private:
  bool finished() const { return state_.step >= train_.steps; }
  bool is_due(int64_t step, int64_t every) const;
  void train();
  void loop();
  void train_step();
  Accumulated gather_gradients(int64_t step) const;
  SlideGradients slide_gradients(int64_t step, size_t slide) const;
  void update(const Gradients& gradients, const MetricsRow& row);
  void validate_or_undo(StepRecord& record, const Snapshot& before);
  void validate(StepRecord& record);
  std::vector<SlideResult> evaluate_slides(int64_t step) const;
  void keep_if_best(const ValidationMetrics& metrics, int64_t step);
  Snapshot take_snapshot() const { return {clone(state_.parameters), optimizer_.state()}; }
  void restore(const Snapshot& snapshot);
  void describe_run() const;
  void save();
  void save_if_consistent() noexcept;
  void report() const;
  void write_checkpoints() const;
  Summary summarize_run() const;
  std::string status(const StepRecord& record) const;
  Diverged diverged(int64_t step, std::string_view what) const;

  const RunFolder& folder_;
  const TrainOptions& options_;
  const TrainCallbacks& callbacks_;
  const TrainSettings& train_;
  TrainingState state_;  ///< As of the last complete step; save() fills in what others own.
  Optimizer optimizer_;  ///< Updates state_.parameters in place.
  RunLog log_;
  std::optional<Progress> progress_;
  bool consistent_ = true;            ///< False while the weights are ahead of the logs.
  std::vector<double> cpu_of_steps_;  ///< Seconds of processors.
};

Trainer::Trainer(const RunFolder& folder, const TrainOptions& options,
                 const TrainCallbacks& callbacks)
    : folder_(folder),
      options_(options),
      callbacks_(callbacks),
      train_(options.train),
      state_(first_state(folder, options)),
      optimizer_(train_.optimizer, state_.parameters, options_.pixel_readers),
      log_(folder, state_.file_bytes, class_names(options.checkpoint), options.timing_parts) {
  optimizer_.load_state(state_.optimizer);
}

Summary Trainer::run() {
  if (finished()) {
    note(fmt::format("{} already has {} of {} steps: nothing to train", folder_.path().string(),
                     state_.step, train_.steps));
    write_checkpoints();
    report();
  } else {
    train();
  }
  Summary summary = summarize_run();
  if (!std::filesystem::exists(folder_.summary())) write_summary(folder_.summary(), summary);
  return summary;
}

void Trainer::train() {
  std::error_code ignored;
  std::filesystem::remove(folder_.summary(), ignored);
  describe_run();
  save();
  progress_.emplace("train", train_.steps - state_.step);
  try {
    loop();
  } catch (const Diverged&) {
    throw;  // the checkpoint from before is the better one
  } catch (const Interrupted&) {
    save();
    progress_.reset();
    note(fmt::format("stopped after step {} of {}: --resume goes on from there", state_.step,
                     train_.steps));
    throw;
  } catch (...) {
    save_if_consistent();
    throw;
  }
  progress_.reset();
}

void Trainer::loop() {
  while (!finished()) {
    throw_if_stopped();
    train_step();
    progress_->advance();
    if (take_save_request() || is_due(state_.step, train_.checkpoint_every)) save();
  }
}

bool Trainer::is_due(int64_t step, int64_t every) const {
  return step >= train_.steps || (every > 0 && step % every == 0);
}

void Trainer::train_step() {
  const int64_t step = state_.step + 1;
  const Stopwatch step_watch;
  const double cpu_before = cpu_seconds();
  const Accumulated sums = gather_gradients(step);
  StepRecord record;
  record.metrics.step = step;
  record.metrics.loss = sums.loss;
  record.metrics.gradient_norm = global_norm(sums.gradients);
  record.metrics.learning_rate =
      learning_rate_at(train_.schedule, train_.optimizer.learning_rate, step - 1, train_.steps);
  const bool validates = is_due(step, train_.validate_every);
  const Snapshot before = validates ? take_snapshot() : Snapshot{};

  const Stopwatch update_watch;
  update(sums.gradients, record.metrics);
  record.timings = {step,
                    sums.pixels,
                    sums.reads / static_cast<double>(std::max<int64_t>(1, sums.pixels)),
                    step_watch.seconds() - sums.label_seconds(),
                    update_watch.seconds(),
                    0.0,
                    in_order(sums.seconds, options_.timing_parts)};
  cpu_of_steps_.push_back(cpu_seconds() - cpu_before);
  if (validates) validate_or_undo(record, before);
  log_.append(record);
  state_.step = step;
  consistent_ = true;
  if (validates) report();
  progress_->set_status(status(record));
}

/// The mean over the step's slides.
Accumulated Trainer::gather_gradients(int64_t step) const {
  std::vector<size_t> slides;
  for (int i = 0; i < train_.accumulate; ++i) {
    const int64_t position = (step - 1) * train_.accumulate + i;
    slides.push_back(slide_at(options_.seed, options_.training_slides.size(), position));
  }
  callbacks_.begin_step(state_.parameters, step, slides);
  Accumulated sums;
  for (const size_t slide : slides) sums.add_slide(slide_gradients(step, slide));
  if (train_.accumulate > 1) {
    const double share = 1.0 / train_.accumulate;
    sums.loss *= share;
    sums.gradients = scale(sums.gradients, share);
  }
  return sums;
}

SlideGradients Trainer::slide_gradients(int64_t step, size_t slide) const {
  SlideGradients result = callbacks_.gradients(state_.parameters, step, slide);
  check_gradients(result.gradients, state_.parameters);
  if (!std::isfinite(result.loss)) {
    throw diverged(step, fmt::format("the loss of {}", options_.training_slides[slide]));
  }
  if (!all_finite(result.gradients)) {
    throw diverged(step, fmt::format("a gradient of {}", options_.training_slides[slide]));
  }
  return result;
}

void Trainer::update(const Gradients& gradients, const MetricsRow& row) {
  if (!std::isfinite(row.gradient_norm)) throw diverged(row.step, "the gradients' norm");
  consistent_ = false;
  optimizer_.step(clip_to_norm(gradients, row.gradient_norm, train_.clip_norm), row.learning_rate);
  if (!all_finite(state_.parameters.tensors)) throw diverged(row.step, "an updated weight");
}

void Trainer::validate_or_undo(StepRecord& record, const Snapshot& before) {
  try {
    validate(record);
  } catch (...) {
    restore(before);
    consistent_ = true;
    throw;
  }
}

void Trainer::validate(StepRecord& record) {
  const Stopwatch watch;
  const int64_t step = record.metrics.step;
  record.results = evaluate_slides(step);
  std::vector<SegmentationCounts> counts;
  double loss = 0.0;
  for (const SlideResult& result : record.results) {
    counts.push_back(result.counts);
    loss += result.loss / static_cast<double>(record.results.size());
  }
  if (!std::isfinite(loss)) throw diverged(step, "the validation loss");
  record.scores = summarize(counts);
  record.metrics.validation = {loss, record.scores.mean_dice, record.scores.class_dice};
  record.timings.validation_seconds = watch.seconds();
  keep_if_best(*record.metrics.validation, step);
}

std::vector<SlideResult> Trainer::evaluate_slides(int64_t step) const {
  std::vector<SlideResult> results;
  for (size_t i = 0; i < options_.evaluation_slides.size(); ++i) {
    SlideScore score = callbacks_.evaluate(state_.parameters, step, i);
    if (score.counts.size() != options_.checkpoint.classes.size()) {
      throw InternalError("a slide's score needs one entry for each class");
    }
    results.push_back({options_.evaluation_slides[i], score.loss, std::move(score.counts),
                       std::move(score.preview_png)});
  }
  return results;
}

void Trainer::keep_if_best(const ValidationMetrics& metrics, int64_t step) {
  state_.last_dice = metrics.dice;
  if (state_.best && !state_.best->beaten_by(metrics.dice, metrics.loss)) return;
  state_.best = BestWeights{clone(state_.parameters), step, metrics.dice, metrics.loss};
}

void Trainer::restore(const Snapshot& snapshot) {
  for (size_t i = 0; i < state_.parameters.tensors.size(); ++i) {
    state_.parameters.tensors[i].copy_(snapshot.parameters.tensors[i]);
  }
  optimizer_.load_state(snapshot.optimizer);
}

void Trainer::describe_run() const {
  write_file(folder_.settings(), options_.settings.yaml);
  write_provenance(folder_.provenance(), options_.provenance, state_.settings);
}

/// The logs reach the disk first and the state is renamed into place after, so that it never speaks
/// of rows that are not there; rows beyond it are cut on resume. The rest is derived from it.
void Trainer::save() {
  log_.sync();
  state_.optimizer = optimizer_.state();
  state_.file_bytes = log_.bytes();
  save_state(folder_.state(), state_);
  write_checkpoints();
}

/// For errors that have nothing to do with the weights; the error itself matters more than this.
void Trainer::save_if_consistent() noexcept {
  if (!consistent_) return;
  try {
    save();
  } catch (const std::exception& problem) {
    warn(fmt::format("the last complete step could not be saved: {}", problem.what()));
  }
}

/// A picture for people is no reason to lose a run.
void Trainer::report() const {
  try {
    callbacks_.report();
  } catch (const DataError& problem) {
    warn(fmt::format("the run's report could not be made: {}", problem.what()));
  }
}

void Trainer::write_checkpoints() const {
  CheckpointInfo info = options_.checkpoint;
  info.step = state_.step;
  save_checkpoint(folder_.last(), state_.parameters, info);
  if (!state_.best) return;
  info.step = state_.best->step;
  save_checkpoint(folder_.best(), state_.best->parameters, info);
}

Summary Trainer::summarize_run() const {
  Summary summary;
  summary.steps = state_.step;
  summary.finished = finished();
  summary.seconds_per_step = median(read_column(folder_.timings(), "step_seconds"));
  summary.cpu_seconds_per_step = median(cpu_of_steps_);
  summary.pixels_per_step = std::llround(median(read_column(folder_.timings(), "pixels")));
  summary.schedule = options_.schedule;
  summary.decodes_per_step = median(read_column(folder_.timings(), "decodes"));
  summary.parameters = count_values(state_.parameters);
  summary.level = options_.checkpoint.training_level;
  summary.losses = read_column(folder_.metrics(), "loss");
  const RankMemory memory = callbacks_.rank_memory();
  summary.ranks = memory.ranks;
  summary.rank_sums = options_.rank_sums;
  summary.decoder = options_.provenance.decoder;
  summary.decoded_by_nvimgcodec = callbacks_.decoded_tiles();
  summary.peak_rss_bytes = memory.peak_rss_bytes;
  summary.total_rss_bytes = memory.total_rss_bytes;
  summary.budget_used_bytes = callbacks_.budget_used_bytes();
  summary.best_dice = state_.best ? state_.best->dice : kUndefined;
  summary.best_step = state_.best ? state_.best->step : 0;
  summary.last_dice = state_.last_dice;
  summary.device = options_.provenance.device;
  summary.kernels = options_.provenance.kernels;
  summary.simd = options_.provenance.simd;
  summary.weights_hash = content_hash(state_.parameters);
  summary.settings_hash = settings_hash(state_.settings);
  summary.version = options_.provenance.version;
  return summary;
}

std::string Trainer::status(const StepRecord& record) const {
  std::string text = fmt::format("step {}/{}  loss {:.4f}", record.metrics.step, train_.steps,
                                 record.metrics.loss);
  if (!std::isnan(state_.last_dice)) text += fmt::format("  Dice {:.4f}", state_.last_dice);
  return text;
}

Diverged Trainer::diverged(int64_t step, std::string_view what) const {
  return {step, what, train_.optimizer.learning_rate, folder_.path()};
}

}  // namespace

bool is_finished(const RunFolder& folder, const RecordedSettings& settings, int64_t steps) {
  if (!folder.has_state()) return false;
  const TrainingState state = load_state(folder.state());
  check_resume(folder.path(), state.settings, settings, /*has_same_slides=*/true);
  return names_same_slides(state.settings, settings) && state.step >= steps &&
         std::filesystem::exists(folder.summary());
}

Summary run_training(const RunFolder& folder, const TrainOptions& options,
                     const TrainCallbacks& callbacks) {
  check_options(options);
  return Trainer(folder, options, callbacks).run();
}

}  // namespace untiled
