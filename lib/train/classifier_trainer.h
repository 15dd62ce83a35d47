// The training loop of classifiers of whole slides: some slides a step, normalised together;
// validation, checkpoints, resume. It knows neither pixels nor streaming; callbacks give gradients
// and probabilities.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/streaming/parameters.h"
#include "lib/train/classification_scores.h"
#include "lib/train/classifier_checkpoint.h"
#include "lib/train/gradients.h"
#include "lib/train/rank_memory.h"
#include "lib/train/resume_rules.h"
#include "lib/train/run_folder.h"
#include "lib/train/train_settings.h"

namespace untiled {

/// Loss and gradients of some whole slides together.
struct SlidesGradients {
  double loss = 0.0;
  Gradients gradients;      ///< float64 on the CPU, in the parameters' order and shapes.
  NamedTensors statistics;  ///< Running statistics after the step.
  int64_t pixels = 0;
};

/// One slide of a validation.
struct SlidePrediction {
  ClassifiedCase slide;
  double loss = 0.0;
};

/// They are called from the thread that trains, and may throw; Interrupted ends the run after the
/// last complete step is saved. `step` counts from 1. Tensors must not be changed.
struct ClassifierCallbacks {
  /// `slides` count in the training slides; one may be there twice.
  std::function<SlidesGradients(const NamedTensors& parameters, const NamedTensors& statistics,
                                int64_t step, const std::vector<size_t>& slides)>
      gradients;
  /// Of all slides that are validated, in their order.
  std::function<std::vector<SlidePrediction>(const NamedTensors& parameters,
                                             const NamedTensors& statistics)>
      predict;
  /// For summary.json.
  std::function<RankMemory()> rank_memory = [] { return memory_alone(); };
};

struct ClassifierTraining {
  TrainSettings train;
  uint64_t seed = 0;  ///< Of the order of slides.
  RecordedSettings settings;
  NamedTensors parameters;  ///< Initial values; copied.
  NamedTensors statistics;  ///< Initial running statistics; copied.
  size_t training_slides = 0;
  size_t validated_slides = 0;
  ClassifierInfo checkpoint;  ///< `step` is filled in.
  Provenance provenance;
  /// Parameters and statistics in the order of the checkpoint.
  std::function<NamedTensors(const NamedTensors& parameters, const NamedTensors& statistics)> order;
};

/// What a run came to; NaN where undefined.
struct ClassifierSummary {
  int64_t steps = 0;
  double seconds_per_step = 0.0;  ///< Median.
  double best_auc = 0.0;
  int64_t best_step = 0;
  double last_auc = 0.0;
  double last_accuracy = 0.0;
  int64_t peak_rss_bytes = 0;  ///< Of the rank's process that took most.
};

/// Trains until `train.steps`, from the state in `folder` where it has one, and writes the folder's
/// files. Equal inputs give equal weights and metrics bit for bit, however often the run was killed
/// and resumed. The best weights are those of the largest area under the ROC curve, of equal ones
/// those of the smallest loss. Throws ConfigError when a loss, a gradient or a weight is not finite
/// or when a setting or slide that may not change was changed, DataError for files, Interrupted
/// after saving, and what callbacks throw; the last complete step is saved unless the weights
/// themselves went wrong.
ClassifierSummary train_classifier(const RunFolder& folder, const ClassifierTraining& training,
                                   const ClassifierCallbacks& callbacks);

}  // namespace untiled
