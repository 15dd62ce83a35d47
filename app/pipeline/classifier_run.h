// A run of `train` with model.kind resnet: slides, their classes and the network put together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/slide_set.h"
#include "lib/ranks/group.h"
#include "lib/train/classifier_trainer.h"

namespace untiled {

/// The class of a slide of a manifest: an index of `labels`. Throws DataError where the manifest
/// names none, or another.
int64_t class_of(const CohortEntry& entry, const std::vector<std::string>& labels);

/// Throws DataError where a slide is of no class, or all slides for training are of one; warns of
/// classes that have none.
void require_labels(const Settings& settings, const SlideSets& slides);

/// One thread; of each rank.
class ClassifierRun {
 public:
  /// Opens every slide and plans the largest step. All ranks of `ranks` make one alike. Keeps a
  /// reference. Throws ConfigError, DataError; ConfigError too where ranks have other slides or
  /// settings.
  ClassifierRun(const Settings& settings, Group& ranks);

  /// Trains; rank 0. Throws what train_classifier throws.
  ClassifierSummary run(const RunFolder& folder);
  /// The same of the other ranks: does its share of what rank 0 does, until that ends.
  void follow();

 private:
  void measure_stains() const;
  const std::vector<SlideInput>& evaluated() const;
  std::vector<Extent> largest_slides() const;
  void require_layout() const;
  SlidesGradients gradients(const ClassifierWeights& weights, int64_t step,
                            const std::vector<size_t>& slides) const;
  std::vector<SlidePrediction> predict(const ClassifierWeights& weights) const;
  std::vector<SlidePrediction> predict_some(const ClassifierWeights& weights, size_t first,
                                            size_t count) const;
  ClassifierCallbacks callbacks() const;
  ClassifierInfo checkpoint_info() const;
  Provenance provenance() const;

  Settings settings_;
  Group& ranks_;
  SlideClassifier classifier_;
  SlideSets slides_;
  int64_t held_bytes_;  ///< What readers and caches hold.
  ClassifierPlan step_plan_;
};

}  // namespace untiled
