// The one loop over slides that label and export share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/batch/report_csv.h"
#include "app/batch/slide_report.h"
#include "data/cohort/cohort.h"
#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "lib/output/preview.h"

namespace untiled {

/// A slide that fails for a reason that has a code of its own in the report.
class SlideFailure : public DataError {
 public:
  SlideFailure(std::string code, const std::string& reason)
      : DataError(reason), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// Which slides of a list a process does: those whose place, modulo `count`, is `index`.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;
};

/// "2/8", or "8/8" for "0/8". Throws ConfigError.
Shard parse_shard(const std::string& text);

struct BatchOptions {
  std::filesystem::path out;
  std::vector<CohortEntry> slides;
  std::vector<std::string> endings;  ///< Of a slide's output files.
  Shard shard;
  int64_t memory_budget = int64_t{4} << 30;  ///< Bounds images that are decoded whole.
  bool deidentify = false;
  bool json = false;          ///< Print one JSON document instead of a line a slide.
  std::string title;          ///< "label"
  std::string settings_hash;  ///< Of all that decides the outputs, but slide and model.
  std::string model_hash;
  /// Called between slides and after one that failed; what it throws ends the batch.
  std::function<void()> go_on = [] {};
  /// Adds to the JSON document what holds of all slides, whose own entries it reads.
  std::function<void(nlohmann::ordered_json& document)> summarise;
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

struct SlideResult {
  SlideReport report;
  Picture thumbnail;  ///< With outlines, for the report.
  PartSeconds seconds;
  /// What this run took, for --json alone: records and reports repeat byte for byte.
  nlohmann::ordered_json measured = nlohmann::ordered_json::object();
};

/// Writes the outputs of a slide. May throw DataError or ConfigError: the slide failed.
using SlideWork = std::function<SlideResult(SlideTask)>;

/// Opens a batch's slide; images that are decoded whole may take the budget. Throws SlideFailure.
std::shared_ptr<const SlideReader> open_for_batch(const std::filesystem::path& path,
                                                  int64_t memory_budget);

/// Does each slide that is not done yet, unless another process is at it, and waits for those.
/// Returns the exit code: 0; 4 where some slides failed; 3 where all did, 2 where all did for the
/// settings' sake. Reports are written at the end, and when it is interrupted. Throws Interrupted,
/// InternalError, DataError when the reports cannot be written.
int run_batch(const BatchOptions& options, const SlideWork& work);

}  // namespace untiled
