// The files that a run appends to, step by step, kept in step with its checkpoint.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/train/metrics_csv.h"
#include "lib/train/run_folder.h"
#include "lib/train/segmentation_scores.h"
#include "lib/train/tensorboard.h"

namespace untiled {

/// What one slide scored in a validation.
struct SlideResult {
  std::string slide;
  double loss = 0.0;
  SegmentationCounts counts;
  std::string preview_png;  ///< Empty: none.
};

/// All that is logged about one step.
struct StepRecord {
  MetricsRow metrics;
  TimingsRow timings;
  ScoreSummary scores;               ///< Where the step was validated.
  std::vector<SlideResult> results;  ///< Empty where it was not.
};

/// metrics.csv, timings.csv, validation.csv and TensorBoard's events. One thread.
class RunLog {
 public:
  /// `bytes`: what `bytes()` gave when the checkpoint was made; empty starts all files anew.
  /// Throws DataError.
  RunLog(const RunFolder& folder, const std::map<std::string, int64_t>& bytes,
         std::vector<std::string> class_names, const std::vector<std::string>& timing_parts);

  /// Appends the rows of one step and writes its previews. Throws DataError.
  void append(const StepRecord& record);
  /// Waits until the disk has everything.
  void sync() const;
  /// Size of each file by name.
  std::map<std::string, int64_t> bytes() const;

 private:
  void append_validation(const StepRecord& record);
  void append_events(const StepRecord& record);

  const RunFolder& folder_;
  std::vector<std::string> class_names_;
  CsvFile metrics_;
  CsvFile timings_;
  CsvFile validation_;
  TensorBoardWriter events_;
};

}  // namespace untiled
