// A run of `train` with model.kind resnet: slides, their classes and the network put together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/slide_set.h"
#include "lib/train/classifier_trainer.h"

namespace untiled {

/// The class of a slide of a manifest: an index of `labels`. Throws DataError where the manifest
/// names none, or another.
int64_t class_of(const CohortEntry& entry, const std::vector<std::string>& labels);

/// Probabilities and loss of one slide. Throws what reading throws.
SlidePrediction predict_slide(const LayeredExecutor& executor, const SlideLoss& loss,
                              const std::vector<at::Tensor>& parameters,
                              const NamedTensors& statistics, const PixelSource& pixels,
                              ClassifiedCase slide);

/// One thread.
class ClassifierRun {
 public:
  /// Opens every slide and plans the largest step. Throws ConfigError, DataError.
  explicit ClassifierRun(const Settings& settings);

  /// Throws what train_classifier throws.
  ClassifierSummary run(const RunFolder& folder);

 private:
  const std::vector<SlideInput>& evaluated() const;
  std::vector<Extent> largest_slides() const;
  SlidesGradients gradients(const NamedTensors& parameters, const NamedTensors& statistics,
                            int64_t step, const std::vector<size_t>& slides) const;
  SlidePrediction predict(const NamedTensors& parameters, const NamedTensors& statistics,
                          size_t slide) const;
  ClassifierInfo checkpoint_info() const;
  Provenance provenance() const;

  Settings settings_;
  SlideClassifier classifier_;
  SlideSets slides_;
  ClassifierPlan step_plan_;
  ClassifierPlan prediction_plan_;
};

}  // namespace untiled
