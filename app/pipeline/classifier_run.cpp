#include "app/pipeline/classifier_run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/pipeline/step_image.h"
#include "data/loader/cache.h"
#include "data/slide/fingerprint.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/layered/running_statistics.h"
#include "lib/ranks/alone.h"
#include "models/resnet.h"

namespace untiled {
namespace {

constexpr int kRgb = 3;

/// The most that a decoder of a slide holds.
int64_t reader_bytes(const SlideSets& sets) {
  int64_t most = 0;
  for (const std::vector<SlideInput>* set : {&sets.training, &sets.validation}) {
    for (const SlideInput& input : *set) most = std::max(most, input.slide->slide().held_bytes);
  }
  return most;
}

/// What the slides of a step hold while they are open, and the cache where one was asked for.
int64_t held_bytes(const Settings& settings, const SlideSets& sets) {
  int64_t cache = 0;
  for (const std::vector<SlideInput>* set : {&sets.training, &sets.validation}) {
    for (const SlideInput& input : *set) {
      if (settings.data.cache != CacheMode::kRam && settings.data.cache != CacheMode::kDisk) {
        continue;
      }
      cache += cache_footprint(settings.data.cache, input.slide->extent(), kRgb).resident_bytes;
    }
  }
  const int64_t open_slide = reader_bytes(sets) + stain_bytes(settings.data.stain);
  return open_slide * settings.train.batch + cache;
}

std::vector<Extent> by_falling_size(const std::vector<SlideInput>& slides) {
  std::vector<Extent> extents;
  for (const SlideInput& input : slides) extents.push_back(input.slide->extent());
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.area() > b.area(); });
  return extents;
}

}  // namespace

int64_t class_of(const CohortEntry& entry, const std::vector<std::string>& labels) {
  const auto found = std::find(labels.begin(), labels.end(), entry.label);
  if (found != labels.end()) return found - labels.begin();
  throw DataError(fmt::format("{}: expected one of {} in the manifest's column label, found '{}'",
                              entry.path.string(), fmt::join(labels, ", "), entry.label));
}

SlidePrediction predict_slide(const LayeredExecutor& executor, const SlideLoss& loss,
                              const std::vector<at::Tensor>& parameters,
                              const NamedTensors& statistics, const PixelSource& pixels,
                              ClassifiedCase slide) {
  const std::vector<double> logits =
      executor.predict(parameters, to_statistics(statistics), pixels, {});
  SlidePrediction prediction{std::move(slide), 0.0};
  prediction.slide.probabilities = probabilities(logits);
  prediction.loss = evaluate_loss(loss, {logits}, {prediction.slide.label}).loss;
  return prediction;
}

ClassifierRun::ClassifierRun(const Settings& settings)
    : settings_(settings),
      classifier_(settings),
      slides_(open_slides(settings, load_cohort(settings.data))) {
  for (const std::vector<SlideInput>* set : {&slides_.training, &slides_.validation}) {
    for (const SlideInput& input : *set) class_of(input.entry, settings.data.labels);
  }
  const int64_t held = held_bytes(settings, slides_);
  step_plan_ = classifier_.plan(largest_slides(), LayeredPurpose::kTraining, held);
  for (const SlideInput& input : evaluated()) {
    prediction_plan_ = classifier_.plan({input.slide->extent()}, LayeredPurpose::kPrediction, held);
  }
  const CacheMode cache =
      settings.data.cache == CacheMode::kAuto ? CacheMode::kNone : settings.data.cache;
  put_behind_cache(settings_, cache, slides_.training);
  put_behind_cache(settings_, cache, slides_.validation);
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

SlidesGradients ClassifierRun::gradients(const NamedTensors& parameters,
                                         const NamedTensors& statistics, int64_t step,
                                         const std::vector<size_t>& slides) const {
  std::vector<std::shared_ptr<const PixelSource>> images;
  std::vector<LabelledSlide> labelled;
  SlidesGradients out;
  for (const size_t i : slides) {
    const SlideInput& input = slides_.training[i];
    images.push_back(augmented_pixels(settings_, input.pixels, step, i));
    labelled.push_back({images.back().get(),
                        class_of(input.entry, settings_.data.labels),
                        {whole(images.back()->extent())}});
    out.pixels += images.back()->extent().area();
  }
  Alone alone;
  LayeredStep result = classifier_.executor(step_plan_)
                           .step(parameters.tensors, to_statistics(statistics),
                                 classifier_.statistics(), labelled, classifier_.loss(), alone);
  for (const size_t i : slides) slides_.training[i].close();
  out.loss = result.loss;
  out.gradients = std::move(result.gradients);
  out.statistics =
      result.statistics.empty() ? statistics : update_running(statistics, result.statistics);
  return out;
}

SlidePrediction ClassifierRun::predict(const NamedTensors& parameters,
                                       const NamedTensors& statistics, size_t slide) const {
  const SlideInput& input = evaluated()[slide];
  const ClassifiedCase known{
      input.id, input.entry.group, class_of(input.entry, settings_.data.labels), {}};
  SlidePrediction prediction =
      predict_slide(classifier_.executor(prediction_plan_), classifier_.loss(), parameters.tensors,
                    statistics, *input.pixels, known);
  input.close();
  return prediction;
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
  provenance.kernels = "libtorch";
  provenance.deidentify = settings_.run.deidentify;
  const auto record = [&](const SlideInput& s, const std::string& split) {
    provenance.slides.push_back({s.id, s.entry.path.string(), split, fingerprint(s.slide->slide()),
                                 s.slide->extent(), s.slide->info().mpp_x});
  };
  for (const SlideInput& s : slides_.training) record(s, "train");
  for (const SlideInput& s : slides_.validation) record(s, "validation");
  return provenance;
}

ClassifierSummary ClassifierRun::run(const RunFolder& folder) {
  at::set_num_threads(1);  // The tile workers have the cores.
  if (settings_.data.stain.method != StainMethod::kNone) {
    measure_all_stains(settings_, slides_, counting_workers(settings_, reader_bytes(slides_)));
  }
  note(fmt::format("{}: {} worker{}, {} of stored tensors{}", to_string(largest_slides().front()),
                   step_plan_.workers, step_plan_.workers == 1 ? "" : "s",
                   format_bytes(step_plan_.stored_bytes),
                   step_plan_.recomputes_blocks ? ", blocks recomputed" : ""));
  ClassifierWeights weights = classifier_.initial_weights();
  ClassifierTraining training;
  training.settings = settings_;
  training.parameters = std::move(weights.parameters);
  training.statistics = std::move(weights.statistics);
  training.training_slides = slides_.training.size();
  training.validated_slides = evaluated().size();
  training.checkpoint = checkpoint_info();
  training.provenance = provenance();
  training.order = [this](const NamedTensors& parameters, const NamedTensors& statistics) {
    return state_dict(classifier_.graph(), parameters, statistics);
  };
  ClassifierCallbacks callbacks;
  callbacks.gradients = [this](const NamedTensors& parameters, const NamedTensors& statistics,
                               int64_t step, const std::vector<size_t>& slides) {
    return gradients(parameters, statistics, step, slides);
  };
  callbacks.predict = [this](const NamedTensors& parameters, const NamedTensors& statistics,
                             size_t slide) { return predict(parameters, statistics, slide); };
  return train_classifier(folder, training, callbacks);
}

}  // namespace untiled
