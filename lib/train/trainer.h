// The training loop: slides in a reproducible order, updates, validation, checkpoints, resume.
// It knows neither slides nor streaming; callbacks give gradients and scores.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/streaming/parameters.h"
#include "lib/train/checkpoint.h"
#include "lib/train/gradients.h"
#include "lib/train/rank_memory.h"
#include "lib/train/resume_rules.h"
#include "lib/train/run_folder.h"
#include "lib/train/segmentation_scores.h"
#include "lib/train/train_settings.h"

namespace untiled {

/// The part of SlideGradients::seconds that reading labels took; not a part of seconds_per_step.
inline constexpr const char* kLabelSeconds = "labels";

/// Loss and gradients of one whole slide.
struct SlideGradients {
  double loss = 0.0;
  Gradients gradients;           ///< float64 on the CPU, in the parameters' order and shapes.
  int64_t pixels = 0;            ///< Pixels that the step covered.
  double reads_per_pixel = 0.0;  ///< How often the step read a pixel that it needed.
  std::map<std::string, double> seconds;  ///< By part; see TrainOptions::timing_parts.
};

/// How one whole slide scored.
struct SlideScore {
  double loss = 0.0;
  SegmentationCounts counts;  ///< One entry a class.
  std::string preview_png;    ///< A PNG file for people; empty: none.
};

/// Gradients and scores are asked for from the thread that trains, and may throw; Interrupted ends
/// the run after the last complete step is saved. `step` counts from 1. The parameters (CPU) must
/// not be changed.
struct TrainCallbacks {
  /// `slide` counts in TrainOptions::training_slides.
  std::function<SlideGradients(const NamedTensors& parameters, int64_t step, size_t slide)>
      gradients;
  /// Before a step: the slides that `gradients` will be asked for, in order; for those who work on
  /// several at once.
  std::function<void(const NamedTensors& parameters, int64_t step,
                     const std::vector<size_t>& slides)>
      begin_step = [](const NamedTensors&, int64_t, const std::vector<size_t>&) {};
  /// `slide` counts in TrainOptions::evaluation_slides; `step` updates have been made.
  std::function<SlideScore(const NamedTensors& parameters, int64_t step, size_t slide)> evaluate;
  /// After the rows of each validation are written, and when all steps are done. A DataError is a
  /// warning, not the end of the run.
  std::function<void()> report = [] {};
  /// Bytes in use over the process's base, for summary.json.
  std::function<int64_t()> budget_used_bytes = [] { return int64_t{0}; };
  /// For summary.json.
  std::function<RankMemory()> rank_memory = [] { return memory_alone(); };
  /// Tiles that nvImageCodec decoded, for summary.json.
  std::function<int64_t()> decoded_tiles = [] { return int64_t{0}; };
};

struct TrainOptions {
  TrainSettings train;
  uint64_t seed = 0;  ///< Of the order of slides.
  RecordedSettings settings;
  NamedTensors parameters;                     ///< Initial values, float32 or float64; copied.
  std::vector<PixelReader> pixel_readers;      ///< See Optimizer.
  std::vector<std::string> training_slides;    ///< Names.
  std::vector<std::string> evaluation_slides;  ///< Validation slides, else the training slides.
  CheckpointInfo checkpoint;                   ///< Goes with the weights; `step` is filled in.
  Provenance provenance;
  std::vector<std::string> timing_parts;  ///< Columns of timings.csv.
  std::string schedule;                   ///< Of the steps, for summary.json: sweep or passes.
  std::string rank_sums = "one rank";     ///< How those of ranks travel, for summary.json.
};

/// Trains until `train.steps`, from the state in `folder` where it has one, else from
/// `options.parameters`. Equal inputs give equal weights and metrics bit for bit, however often
/// the run was killed and resumed. Returns what summary.json says; does nothing but complete the
/// folder's files when the run was finished before.
/// Throws ConfigError when a loss, a gradient or a weight is not finite or when a setting or slide
/// that may not change was changed, DataError for files, Interrupted after saving, and what
/// callbacks throw; the last complete step is saved unless the weights themselves went wrong.
Summary run_training(const RunFolder& folder, const TrainOptions& options,
                     const TrainCallbacks& callbacks);

/// What can be said of a resumed run before any slide is opened: true when it has all its steps
/// and its summary, so that nothing is left to do. Throws ConfigError when a setting was changed
/// that may not, DataError for a damaged state.
bool is_finished(const RunFolder& folder, const RecordedSettings& settings, int64_t steps);

}  // namespace untiled
