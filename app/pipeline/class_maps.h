// Heat maps of a batch's slides, one of each class, and predictions.csv, by a classifier.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/batch/shared_batch.h"
#include "app/pipeline/trained_classifier.h"
#include "lib/output/bigtiff_writer.h"

namespace untiled {

/// What is done with every slide.
struct MapExport {
  TrainedClassifier classifier;
  SampleType type = SampleType::kUint8;

  const std::vector<std::string>& labels() const { return classifier.info().labels; }
};

/// What follows a slide's id in the names of its maps, one a class. Throws DataError where two
/// classes would be one file.
std::vector<std::string> map_endings(const std::vector<std::string>& labels);

/// Rank 0's part of a slide: its maps are written, and its most probable class is reported. Throws
/// ConfigError, DataError, Interrupted.
SlideResult export_maps(const MapExport& e, SharedBatch& batch, SlideTask task);
/// The part of another rank.
void export_map_share(const MapExport& e, const SharedBatch& batch, const SharedSlide& slide);

/// Into predictions.csv in the folder: all slides that are done, also those that earlier runs and
/// other processes did, with the most probable class as the label. Throws DataError.
void write_predictions(const std::filesystem::path& out, const std::vector<std::string>& labels,
                       const BatchOutcome& outcome);

}  // namespace untiled
