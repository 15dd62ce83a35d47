// The one loop over slides that all verbs share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/batch_folder.h"
#include "app/batch/batch_slide.h"
#include "app/batch/report_csv.h"
#include "app/batch/shard.h"
#include "app/batch/slide_report.h"
#include "data/cohort/cohort.h"
#include "data/slide/reader.h"
#include "lib/output/preview.h"

namespace untiled {

struct BatchOptions {
  std::filesystem::path out;  ///< Empty: nothing is kept, and every slide is done.
  BatchNames names;
  std::vector<CohortEntry> slides;
  std::vector<std::string> ids;      ///< What outputs call them; empty: entry_ids(slides).
  std::vector<std::string> endings;  ///< Of a slide's output files.
  Shard shard;
  int64_t memory_budget = int64_t{4} << 30;  ///< Bounds images that are decoded whole.
  bool deidentify = false;
  std::string title;          ///< "label"
  std::string settings_hash;  ///< Of all that decides the outputs, but slide and model.
  std::string model_hash;
  /// What identifies other files of a slide that decide its outputs, such as a reference; may throw
  /// DataError: the slide failed.
  std::function<std::string(const CohortEntry& entry, const std::string& id)> made_from;
  /// Called for each slide as soon as it is done or found done.
  std::function<void(const SlideReport& report)> tell = [](const SlideReport& /*report*/) {};
  /// Called between slides and after one that failed; what it throws ends the batch.
  std::function<void()> go_on = [] {};
};

/// One slide to do.
struct SlideTask {
  size_t place;  ///< In BatchOptions::slides.
  const CohortEntry& entry;
  std::shared_ptr<const SlideReader> reader;
  std::filesystem::path out;
  std::function<void(double part)> progress;  ///< From 0 to 1; any thread.
  SlideReport report;  ///< With the slide's facts; the work fills in its own.
};

/// What a slide took of this run: in no record, for those repeat byte for byte.
struct SlideCosts {
  double seconds = 0.0;
  double cpu_seconds = 0.0;
  int64_t peak_rss_bytes = 0;
};

struct SlideResult {
  SlideReport report;
  Picture thumbnail;  ///< With outlines, for the report.
  PartSeconds seconds;
  std::optional<SlideCosts> costs;  ///< Where the work has measured them.
};

/// Writes the outputs of a slide. May throw DataError or ConfigError: the slide failed.
using SlideWork = std::function<SlideResult(SlideTask)>;

/// A slide that is done or has failed, in this run or before.
struct DoneSlide {
  size_t place = 0;  ///< In BatchOptions::slides.
  SlideReport report;
  std::optional<SlideCosts> costs;  ///< Where this run did it.
};

/// What a batch came to; slides in the order of their places.
struct BatchOutcome {
  std::vector<DoneSlide> slides;  ///< Those of this process's shard.
  std::vector<DoneSlide> all;     ///< Those that other shards have done are there too.
  size_t failed = 0;              ///< Of this process's shard.
  /// 0; 4 where some slides failed; 3 where all did, 2 where all did for the settings' sake.
  int exit_code = 0;
};

/// Does each slide that is not done yet, unless another process is at it, and waits for those.
/// Reports are written at the end, and when it is interrupted. Throws Interrupted, InternalError,
/// DataError when the reports cannot be written.
BatchOutcome run_batch(const BatchOptions& options, const SlideWork& work);

}  // namespace untiled
