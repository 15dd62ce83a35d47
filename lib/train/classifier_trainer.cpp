#include "lib/train/classifier_trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
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
#include "lib/train/metrics_csv.h"
#include "lib/train/named_tensors.h"
#include "lib/train/optimizer.h"
#include "lib/train/schedule.h"
#include "lib/train/slide_order.h"
#include "lib/train/state.h"

namespace untiled {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kStatisticsPrefix = "running.";

/// The run's tables; they are cut back to what a state knows of.
class Tables {
 public:
  Tables(const RunFolder& folder, const std::map<std::string, int64_t>& bytes,
         const std::vector<std::string>& labels)
      : metrics_(folder.metrics(), kept(bytes, "metrics"),
                 {"step", "loss", "learning_rate", "gradient_norm", "validation_loss",
                  "validation_auc", "validation_accuracy"}),
        timings_(folder.timings(), kept(bytes, "timings"),
                 {"step", "pixels", "step_seconds", "validation_seconds"}),
        validation_(folder.validation(), kept(bytes, "validation"), prediction_columns(labels)) {}

  CsvFile& metrics() { return metrics_; }
  CsvFile& timings() { return timings_; }
  CsvFile& validation() { return validation_; }
  void sync() const {
    metrics_.sync();
    timings_.sync();
    validation_.sync();
  }
  std::map<std::string, int64_t> bytes() const {
    return {{"metrics", metrics_.size_bytes()},
            {"timings", timings_.size_bytes()},
            {"validation", validation_.size_bytes()}};
  }

 private:
  static int64_t kept(const std::map<std::string, int64_t>& bytes, const char* name) {
    const auto found = bytes.find(name);
    return found == bytes.end() ? 0 : found->second;
  }
  static std::vector<std::string> prediction_columns(const std::vector<std::string>& labels) {
    std::vector<std::string> columns = {"step", "slide", "label", "loss"};
    for (const std::string& label : labels) columns.push_back("probability_" + label);
    return columns;
  }

  CsvFile metrics_;
  CsvFile timings_;
  CsvFile validation_;
};

/// Of one validation.
struct Validation {
  double loss = 0.0;
  double auc = kUndefined;
  double accuracy = kUndefined;
};

std::map<std::string, std::string> fingerprints_of(const Provenance& provenance) {
  std::map<std::string, std::string> fingerprints;
  for (const SlideRecord& slide : provenance.slides) fingerprints[slide.name] = slide.fingerprint;
  return fingerprints;
}

class ClassifierTrainer {
 public:
  ClassifierTrainer(const RunFolder& folder, const ClassifierTraining& training,
                    const ClassifierCallbacks& callbacks)
      : folder_(folder),
        training_(training),
        callbacks_(callbacks),
        train_(training.train),
        state_(first_state()),
        parameters_(match(without_statistics(state_.parameters), training.parameters)),
        statistics_(match(with_prefix(state_.parameters, kStatisticsPrefix), training.statistics)),
        optimizer_(train_.optimizer, parameters_),
        tables_(folder, state_.file_bytes, training.checkpoint.labels) {
    optimizer_.load_state(state_.optimizer);
  }

  ClassifierSummary run() {
    if (state_.step < train_.steps) train();
    write_checkpoints();
    return write_summary();
  }

 private:
  TrainingState first_state() const;
  static NamedTensors without_statistics(const NamedTensors& tensors);
  void train();
  void train_step();
  std::vector<size_t> slides_of(int64_t step) const;
  SlidesGradients gradients(int64_t step) const;
  Validation validate(int64_t step);
  void keep_if_best(const Validation& validation, int64_t step);
  void save();
  void save_if_consistent() noexcept;
  void write_checkpoints() const;
  ClassifierSummary write_summary() const;
  bool is_due(int64_t step, int64_t every) const {
    return step >= train_.steps || (every > 0 && step % every == 0);
  }
  void require_finite(bool finite, int64_t step, const char* what) const;

  const RunFolder& folder_;
  const ClassifierTraining& training_;
  const ClassifierCallbacks& callbacks_;
  const TrainSettings& train_;
  TrainingState state_;      ///< Its parameters are filled in when it is saved.
  NamedTensors parameters_;  ///< Updated in place.
  NamedTensors statistics_;
  Optimizer optimizer_;
  Tables tables_;
  double last_accuracy_ = kUndefined;
  std::vector<double> cpu_of_steps_;  ///< Seconds of processors.
  bool consistent_ = true;            ///< False while the weights are ahead of the tables.
};

NamedTensors ClassifierTrainer::without_statistics(const NamedTensors& tensors) {
  NamedTensors rest;
  for (size_t i = 0; i < tensors.names.size(); ++i) {
    if (tensors.names[i].starts_with(kStatisticsPrefix)) continue;
    rest.names.push_back(tensors.names[i]);
    rest.tensors.push_back(tensors.tensors[i].clone());
  }
  return rest;
}

TrainingState ClassifierTrainer::first_state() const {
  TrainingState state;
  if (folder_.has_state()) {
    state = load_state(folder_.state());
    const std::vector<std::string> contents = contents_of(training_.provenance.slides);
    check_resume(folder_.path(), state.settings, training_.settings, state.slides == contents);
    if (state.fingerprints != fingerprints_of(training_.provenance) ||
        are_other_slides(state.slides, contents, training_.settings)) {
      throw ConfigError(
          fmt::format("cannot resume {}: its slides were others when this run began; give the same "
                      "slides or train in another run.folder",
                      folder_.path().string()));
    }
  } else {
    state.parameters = training_.parameters;
    append_prefixed(state.parameters, kStatisticsPrefix, training_.statistics);
    state.last_dice = kUndefined;
    state.seed = training_.seed;
  }
  state.settings = training_.settings.values;
  state.fingerprints = fingerprints_of(training_.provenance);
  state.slides = contents_of(training_.provenance.slides);
  return state;
}

void ClassifierTrainer::train() {
  write_file(folder_.settings(), training_.settings.yaml);
  write_provenance(folder_.provenance(), training_.provenance, state_.settings);
  save();
  Progress progress("train", train_.steps - state_.step);
  try {
    while (state_.step < train_.steps) {
      throw_if_stopped();
      train_step();
      progress.advance();
      if (take_save_request() || is_due(state_.step, train_.checkpoint_every)) save();
    }
  } catch (const Diverged&) {
    throw;  // The checkpoint from before is the better one.
  } catch (const Interrupted&) {
    if (consistent_) save();  // Else the last checkpoint counts: a step is in the middle.
    note(fmt::format("stopped after step {} of {}: --resume goes on from there", state_.step,
                     train_.steps));
    throw;
  } catch (...) {
    save_if_consistent();
    throw;
  }
}

/// The error itself matters more than this.
void ClassifierTrainer::save_if_consistent() noexcept {
  if (!consistent_) return;
  try {
    save();
  } catch (const std::exception& problem) {
    warn(fmt::format("the last complete step could not be saved: {}", problem.what()));
  }
}

void ClassifierTrainer::train_step() {
  const int64_t step = state_.step + 1;
  const Stopwatch watch;
  const double cpu_before = cpu_seconds();
  SlidesGradients result = gradients(step);
  const double norm = global_norm(result.gradients);
  require_finite(std::isfinite(norm), step, "the gradients' norm");
  const double rate =
      learning_rate_at(train_.schedule, train_.optimizer.learning_rate, step - 1, train_.steps);
  consistent_ = false;
  optimizer_.step(clip_to_norm(result.gradients, norm, train_.clip_norm), rate);
  require_finite(all_finite(parameters_.tensors), step, "an updated weight");
  statistics_ = std::move(result.statistics);
  const double seconds = watch.seconds();
  cpu_of_steps_.push_back(cpu_seconds() - cpu_before);
  const Stopwatch validation_watch;
  std::vector<std::string> row = {std::to_string(step), exact(result.loss), exact(rate),
                                  exact(norm)};
  if (is_due(step, train_.validate_every)) {
    const Validation v = validate(step);
    for (const double value : {v.loss, v.auc, v.accuracy}) row.push_back(exact(value));
    keep_if_best(v, step);
  } else {
    row.insert(row.end(), {"", "", ""});
  }
  tables_.metrics().append(row);
  tables_.timings().append({std::to_string(step), std::to_string(result.pixels), exact(seconds),
                            exact(validation_watch.seconds())});
  state_.step = step;
  consistent_ = true;
}

std::vector<size_t> ClassifierTrainer::slides_of(int64_t step) const {
  std::vector<size_t> slides;
  for (int64_t i = 0; i < train_.batch; ++i) {
    slides.push_back(
        slide_at(training_.seed, training_.training_slides, (step - 1) * train_.batch + i));
  }
  return slides;
}

SlidesGradients ClassifierTrainer::gradients(int64_t step) const {
  SlidesGradients result = callbacks_.gradients(parameters_, statistics_, step, slides_of(step));
  require_finite(std::isfinite(result.loss), step, "the loss");
  require_finite(all_finite(result.gradients), step, "a gradient");
  return result;
}

Validation ClassifierTrainer::validate(int64_t step) {
  std::vector<ClassifiedCase> cases;
  Validation validation;
  const auto count = static_cast<double>(training_.validated_slides);
  for (const SlidePrediction& p : callbacks_.predict(parameters_, statistics_)) {
    validation.loss += p.loss / count;
    cases.push_back(p.slide);
    const auto& labels = training_.checkpoint.labels;
    std::vector<std::string> row = {std::to_string(step), p.slide.id,
                                    labels[static_cast<size_t>(p.slide.label)], exact(p.loss)};
    for (const double v : p.slide.probabilities) row.push_back(exact(v));
    tables_.validation().append(row);
  }
  const ClassificationScores scores = score_cases(cases, training_.checkpoint.labels.size());
  validation.auc = scores.auc;
  validation.accuracy = scores.accuracy;
  return validation;
}

/// The state's score is the area under the curve here.
void ClassifierTrainer::keep_if_best(const Validation& validation, int64_t step) {
  state_.last_dice = validation.auc;
  last_accuracy_ = validation.accuracy;
  if (state_.best) {
    const bool is_equal = state_.best->dice == validation.auc;
    if (is_equal ? validation.loss >= state_.best->loss
                 : !state_.best->beaten_by(validation.auc, validation.loss)) {
      return;
    }
  }
  NamedTensors all = clone(parameters_);
  append_prefixed(all, kStatisticsPrefix, clone(statistics_));
  state_.best = BestWeights{std::move(all), step, validation.auc, validation.loss};
}

void ClassifierTrainer::save() {
  tables_.sync();
  state_.parameters = clone(parameters_);
  append_prefixed(state_.parameters, kStatisticsPrefix, clone(statistics_));
  state_.optimizer = optimizer_.state();
  state_.file_bytes = tables_.bytes();
  save_state(folder_.state(), state_);
  write_checkpoints();
}

void ClassifierTrainer::write_checkpoints() const {
  ClassifierInfo info = training_.checkpoint;
  info.step = state_.step;
  save_classifier(folder_.last(), training_.order(parameters_, statistics_), info);
  if (!state_.best) return;
  info.step = state_.best->step;
  const NamedTensors& best = state_.best->parameters;
  save_classifier(
      folder_.best(),
      training_.order(match(without_statistics(best), training_.parameters),
                      match(with_prefix(best, kStatisticsPrefix), training_.statistics)),
      info);
}

ClassifierSummary ClassifierTrainer::write_summary() const {
  ClassifierSummary summary;
  summary.steps = state_.step;
  summary.seconds_per_step = median(read_column(folder_.timings(), "step_seconds"));
  summary.best_auc = state_.best ? state_.best->dice : kUndefined;
  summary.best_step = state_.best ? state_.best->step : 0;
  summary.last_auc = state_.last_dice;
  summary.last_accuracy = last_accuracy_;
  const RankMemory memory = callbacks_.rank_memory();
  summary.peak_rss_bytes = memory.peak_rss_bytes;
  const nlohmann::ordered_json json = {
      {"steps", summary.steps},
      {"finished", state_.step >= train_.steps},
      {"seconds_per_step", summary.seconds_per_step},
      {"cpu_seconds_per_step", median(cpu_of_steps_)},
      {"pixels_per_step", median(read_column(folder_.timings(), "pixels"))},
      {"parameters", count_values(parameters_)},
      {"level", training_.checkpoint.training_level},
      {"losses", read_column(folder_.metrics(), "loss")},
      {"best_auc", summary.best_auc},
      {"best_step", summary.best_step},
      {"last_auc", summary.last_auc},
      {"last_accuracy", summary.last_accuracy},
      {"ranks", memory.ranks},
      {"peak_rss_bytes", memory.peak_rss_bytes},
      {"total_rss_bytes", memory.total_rss_bytes},
      {"weights_hash", content_hash(training_.order(parameters_, statistics_))},
      {"settings_hash", settings_hash(state_.settings)},
      {"version", training_.provenance.version}};
  write_file(folder_.summary(), json.dump(2) + "\n");
  return summary;
}

void ClassifierTrainer::require_finite(bool finite, int64_t step, const char* what) const {
  if (finite) return;
  throw Diverged(step, what, train_.optimizer.learning_rate, folder_.path());
}

}  // namespace

ClassifierSummary train_classifier(const RunFolder& folder, const ClassifierTraining& training,
                                   const ClassifierCallbacks& callbacks) {
  if (training.training_slides == 0) throw ConfigError("there is no slide to train on");
  if (training.validated_slides == 0) throw ConfigError("there is no slide to validate on");
  return ClassifierTrainer(folder, training, callbacks).run();
}

}  // namespace untiled
