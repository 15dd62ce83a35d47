#include "app/pipeline/classifier_run.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "app/pipeline/classifier_memory.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/recorded_settings.h"
#include "app/pipeline/step_image.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/layered/running_statistics.h"
#include "lib/train/named_tensors.h"
#include "models/resnet.h"

namespace untiled {
namespace {

std::vector<Extent> by_falling_size(const std::vector<SlideInput>& slides) {
  std::vector<Extent> extents;
  for (const SlideInput& input : slides) extents.push_back(input.slide->extent());
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.area() > b.area(); });
  return extents;
}

/// What rank 0 sends: the tensors themselves, not copies.
NamedTensors all_of(const ClassifierWeights& weights) {
  NamedTensors all = weights.parameters;
  append_prefixed(all, "", weights.statistics);
  return all;
}

/// The classes of which no slide is. Throws DataError for a slide of none of them.
std::vector<std::string> absent_classes(const std::vector<std::string>& labels,
                                        const std::vector<SlideInput>& slides) {
  std::vector<int64_t> counts(labels.size());
  for (const SlideInput& input : slides) {
    ++counts[static_cast<size_t>(class_of(input.entry, labels))];
  }
  std::vector<std::string> absent;
  for (size_t k = 0; k < labels.size(); ++k) {
    if (counts[k] == 0) absent.push_back(labels[k]);
  }
  return absent;
}

/// Each slide is of a class, and they are of several; warns of a class that has none.
void require_classes(const std::vector<std::string>& labels,
                     const std::vector<SlideInput>& training) {
  const std::vector<std::string> absent = absent_classes(labels, training);
  if (absent.size() + 1 >= labels.size()) {
    throw DataError(fmt::format(
        "all slides for training are of one class and none of {}, so that nothing can be learnt: "
        "see the manifest's columns label and split",
        fmt::join(absent, ", ")));
  }
  if (!absent.empty()) {
    warn(fmt::format("no slide for training is of the class {}", fmt::join(absent, ", ")));
  }
}

/// As above, of slides for validation, whose scores need all classes.
void require_classes_of_validation(const std::vector<std::string>& labels,
                                   const std::vector<SlideInput>& validation) {
  const std::vector<std::string> absent = absent_classes(labels, validation);
  if (absent.empty() || validation.empty()) return;
  warn(fmt::format("no slide for validation is of the class {}: its AUC will be unknown",
                   fmt::join(absent, ", ")));
}

}  // namespace

int64_t class_of(const CohortEntry& entry, const std::vector<std::string>& labels) {
  const auto found = std::find(labels.begin(), labels.end(), entry.label);
  if (found != labels.end()) return found - labels.begin();
  throw DataError(fmt::format("{}: expected one of {} in the manifest's column label, found {}",
                              entry.path.string(), fmt::join(labels, ", "),
                              entry.label.empty() ? "nothing; fill it in, or add the column"
                                                  : fmt::format("'{}'", entry.label)));
}

void require_labels(const Settings& settings, const SlideSets& slides) {
  require_classes(settings.data.labels, slides.training);
  require_classes_of_validation(settings.data.labels, slides.validation);
}

ClassifierRun::ClassifierRun(const Settings& settings, Group& ranks)
    : settings_(settings),
      ranks_(ranks),
      classifier_(settings),
      slides_(open_slides(settings, load_cohort(settings.data.cohort))),
      held_bytes_(held_beside_steps(settings, slides_).total_bytes()) {
  require_labels(settings, slides_);
  require_layout();
  step_plan_ =
      classifier_.plan(largest_slides(), LayeredPurpose::kTraining, held_bytes_, ranks.size());
  for (const SlideInput& input : evaluated()) {
    classifier_.plan({input.slide->extent()}, LayeredPurpose::kPrediction, held_bytes_,
                     ranks.size());
  }
  put_behind_cache(settings_, classifier_cache(settings), slides_.training);
  put_behind_cache(settings_, classifier_cache(settings), slides_.validation);
  if (ranks.size() == 1) return;
  require_alike(ranks, {settings_, provenance().slides,
                        at::get_cpu_capability() + " " + classifier_.kernels(),
                        "set ATEN_CPU_CAPABILITY to what all have (avx2 or default) and kernels to "
                        "libtorch, or last bits differ"});
}

void ClassifierRun::require_layout() const {
  const int teams = ranks_.size() / std::max(1, settings_.ranks.per_slide);
  if (settings_.ranks.per_slide != 0 && teams > settings_.train.batch) {
    throw ConfigError(fmt::format(
        "ranks.per_slide {} makes {} teams of {} ranks, but a step has {} slide(s): set "
        "train.batch to {} or more",
        settings_.ranks.per_slide, teams, ranks_.size(), settings_.train.batch, teams));
  }
}

const std::vector<SlideInput>& ClassifierRun::evaluated() const {
  return slides_.validation.empty() ? slides_.training : slides_.validation;
}

/// What may meet in one step.
std::vector<Extent> ClassifierRun::largest_slides() const {
  std::vector<Extent> extents = by_falling_size(slides_.training);
  const Extent largest = extents.front();
  extents.resize(static_cast<size_t>(settings_.train.batch), largest);
  return extents;
}

SlidesGradients ClassifierRun::gradients(const ClassifierWeights& weights, int64_t step,
                                         const std::vector<size_t>& slides) const {
  std::vector<std::shared_ptr<const PixelSource>> images;
  std::vector<Extent> extents;
  for (const size_t i : slides) {
    images.push_back(augmented_pixels(settings_, slides_.training[i].pixels, step, i));
    extents.push_back(images.back()->extent());
  }
  const SlideParts parts = classifier_.parts(extents, ranks_.size());
  std::vector<LabelledSlide> labelled;
  SlidesGradients out;
  for (size_t i = 0; i < slides.size(); ++i) {
    const CohortEntry& entry = slides_.training[slides[i]].entry;
    labelled.push_back({images[i].get(), class_of(entry, settings_.data.labels), parts[i]});
    out.pixels += extents[i].area();
  }
  LayeredStep result = classifier_.executor(step_plan_)
                           .step(weights.parameters.tensors, to_statistics(weights.statistics),
                                 classifier_.statistics(), labelled, classifier_.loss(), ranks_);
  for (const size_t i : slides) slides_.training[i].close();
  out.loss = result.loss;
  out.gradients = std::move(result.gradients);
  out.statistics = result.statistics.empty()
                       ? weights.statistics
                       : update_running(weights.statistics, result.statistics);
  return out;
}

/// Some slides at a time, for each of many ranks to have one.
std::vector<SlidePrediction> ClassifierRun::predict(const ClassifierWeights& weights) const {
  std::vector<Extent> extents;
  for (const SlideInput& input : evaluated()) extents.push_back(input.slide->extent());
  std::vector<SlidePrediction> all;
  while (all.size() < extents.size()) {
    const size_t count =
        classifier_.predicted_together(extents, all.size(), held_bytes_, ranks_.size());
    for (SlidePrediction& p : predict_some(weights, all.size(), count)) {
      all.push_back(std::move(p));
    }
  }
  return all;
}

std::vector<SlidePrediction> ClassifierRun::predict_some(const ClassifierWeights& weights,
                                                         size_t first, size_t count) const {
  const std::span<const SlideInput> inputs = std::span(evaluated()).subspan(first, count);
  std::vector<const PixelSource*> pixels;
  std::vector<Extent> extents;
  for (const SlideInput& input : inputs) {
    pixels.push_back(input.pixels.get());
    extents.push_back(input.slide->extent());
  }
  const ClassifierPlan plan =
      classifier_.plan(extents, LayeredPurpose::kPrediction, held_bytes_, ranks_.size());
  const std::vector<std::vector<double>> logits =
      classifier_.predict(plan, weights, pixels, {}, ranks_);
  std::vector<SlidePrediction> predictions;
  for (size_t i = 0; i < count; ++i) {
    const SlideInput& input = inputs[i];
    const int64_t label = class_of(input.entry, settings_.data.labels);
    predictions.push_back({{input.id, input.entry.group, label, probabilities(logits[i])},
                           evaluate_loss(classifier_.loss(), {logits[i]}, {label}).loss});
    input.close();
  }
  return predictions;
}

ClassifierInfo ClassifierRun::checkpoint_info() const {
  ClassifierInfo info;
  info.model = settings_.model;
  info.loss = settings_.train.loss;
  info.labels = settings_.data.labels;
  info.training_mpp = slides_.training.front().slide->info().mpp_x;
  info.training_level = settings_.data.level;
  info.stains = target_stains(settings_.data.stain);
  info.version = UNTILED_VERSION;
  return info;
}

Provenance ClassifierRun::provenance() const {
  Provenance provenance;
  provenance.version = UNTILED_VERSION;
  provenance.device = "cpu";
  provenance.kernels = classifier_.kernels();
  provenance.deidentify = settings_.run.deidentify;
  provenance.slides = recorded(slides_);
  return provenance;
}

ClassifierCallbacks ClassifierRun::callbacks() const {
  using Kind = RankCall::Kind;
  ClassifierCallbacks callbacks;
  callbacks.gradients = [this](const NamedTensors& parameters, const NamedTensors& statistics,
                               int64_t step, const std::vector<size_t>& slides) {
    const ClassifierWeights weights = {parameters, statistics};
    send_call(ranks_, {Kind::kGradients, step, slides}, all_of(weights));
    return gradients(weights, step, slides);
  };
  callbacks.predict = [this](const NamedTensors& parameters, const NamedTensors& statistics) {
    const ClassifierWeights weights = {parameters, statistics};
    send_call(ranks_, {Kind::kEvaluate, 0, {}}, all_of(weights));
    return predict(weights);
  };
  callbacks.rank_memory = [this] {
    send_call(ranks_, {Kind::kMemory, 0, {}}, {});
    return memory_of(ranks_);
  };
  return callbacks;
}

void ClassifierRun::measure_stains() const {
  if (settings_.data.stain.method == StainMethod::kNone) return;
  measure_all_stains(
      settings_, slides_,
      counting_workers(settings_.threads, settings_.memory_budget, most_reader_bytes(slides_)));
}

ClassifierSummary ClassifierRun::run(const RunFolder& folder) {
  at::set_num_threads(1);  // The tile workers have the cores.
  measure_stains();
  const std::string spilled =
      fmt::format(", {} in run.scratch", format_bytes(step_plan_.spilled_bytes));
  note(fmt::format("{}: {} worker{}, {} of stored tensors{}{}", to_string(largest_slides().front()),
                   step_plan_.workers, step_plan_.workers == 1 ? "" : "s",
                   format_bytes(step_plan_.stored_bytes),
                   step_plan_.recomputes_blocks ? ", blocks recomputed" : "",
                   step_plan_.spilled.empty() ? "" : spilled));
  ClassifierWeights weights = classifier_.initial_weights();
  ClassifierTraining training;
  training.train = settings_.train;
  training.seed = settings_.seed;
  training.settings = recorded(settings_);
  training.parameters = std::move(weights.parameters);
  training.statistics = std::move(weights.statistics);
  training.training_slides = slides_.training.size();
  training.validated_slides = evaluated().size();
  training.checkpoint = checkpoint_info();
  training.provenance = provenance();
  training.order = [this](const NamedTensors& parameters, const NamedTensors& statistics) {
    return state_dict(classifier_.graph(), parameters, statistics);
  };
  ClassifierSummary summary = train_classifier(folder, training, callbacks());
  send_call(ranks_, {RankCall::Kind::kEnd, 0, {}}, {});
  return summary;
}

void ClassifierRun::follow() {
  at::set_num_threads(1);
  measure_stains();
  const ClassifierWeights weights = classifier_.initial_weights();
  follow_calls(
      ranks_, all_of(weights),
      [&](const RankCall& call) { gradients(weights, call.step, call.slides); },
      [&](const RankCall&) { predict(weights); });
}

}  // namespace untiled
