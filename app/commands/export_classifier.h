// export for classifiers of whole slides: predictions.csv, and heat maps of each class.
#pragma once

#include <memory>
#include <string>

#include "app/commands/batch_options.h"
#include "app/pipeline/trained_model.h"
#include "lib/ranks/group.h"

namespace untiled {

struct ExportClassifierOptions {
  std::shared_ptr<BatchArguments> batch;
  std::filesystem::path checkpoint;
  std::string probability_type;  ///< uint8 or float32.
  ModelScale scale;
};

/// Writes <slide_id>.<class>.probability.tif for each slide and class, and predictions.csv with the
/// most probable class as the label. Of several ranks, which share each slide, rank 0 writes; its
/// exit code, see run_batch.
int export_classifier(const ExportClassifierOptions& options, Group& ranks);

}  // namespace untiled
