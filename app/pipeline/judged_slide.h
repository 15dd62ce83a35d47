// A slide of a batch as a classifier sees and judges it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/batch/shared_batch.h"
#include "app/batch/slide_details.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/trained_classifier.h"
#include "data/slide/view.h"

namespace untiled {

struct JudgedSlide {
  std::shared_ptr<const SlideView> view;
  SeenPixels seen;
  int64_t held_bytes = 0;  ///< Of the reader and of stains.
  SlideVerdict verdict;
};

/// A collective call of the batch's ranks: each opens the slide its way. The same on all ranks, but
/// for the maps. Throws on all what failed on one: ConfigError where the slide does not fit,
/// DataError, Interrupted.
JudgedSlide judge_slide(const TrainedClassifier& classifier, const SharedBatch& batch,
                        const CohortEntry& entry,
                        const std::function<std::shared_ptr<const SlideReader>()>& open,
                        bool with_maps);

/// What is recorded of a verdict; `labels` are the classes' names.
ClassDetails class_details(const std::vector<std::string>& labels, const SlideVerdict& verdict);

}  // namespace untiled
