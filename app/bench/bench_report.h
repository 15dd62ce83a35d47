// The figures of `bench run`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/bench/machine.h"
#include "app/bench/read_speed.h"
#include "lib/core/region.h"

namespace untiled {

enum class BenchExtent { kQuick, kFull };

/// Seconds of repeats of something over a slide or a part of it.
struct Repeats {
  Extent extent;
  std::vector<double> seconds;

  double median_seconds() const;
  double seconds_per_gigapixel() const;
};

struct ReadFigures {
  ReadSpeedOptions options;
  ReadSpeed speed;
};

/// What a process that trained says of itself.
struct TrainedProcess {
  std::string device;
  std::string kernels;
  std::string simd;
  std::string schedule;
  double decodes_per_step = 0.0;
  int64_t peak_rss_bytes = 0;
  int64_t memory_used_bytes = 0;
};

/// Training steps on one slide.
struct StepFigures {
  std::string name;
  std::string cache;
  int64_t memory_budget = 0;
  std::vector<std::string> settings;
  TrainedProcess process;
  double first_step_seconds = 0.0;  ///< It fills the cache.
  Repeats steps;                    ///< The others.
  double times_plain = 0.0;         ///< Speed over plain whole-image LibTorch.
  double validation_seconds = 0.0;
  std::vector<std::pair<std::string, double>> parts;  ///< Medians of a step's seconds.
  std::optional<Repeats> inference;                   ///< Masks in memory, not written.
  std::optional<Repeats> exported;                    ///< Masks in files of kExportFormats.
};

/// What is measured of exporting.
inline constexpr const char* kExportFormats = "png at 1/32, tiff at level 0";

struct FailedSteps {
  std::string name;
  Extent extent;
  std::string reason;
};

/// Decoding beside computing.
struct Overlap {
  double decoding_seconds = 0.0;
  double ideal_seconds = 0.0;
  double seconds = 0.0;

  double times_ideal() const { return seconds / ideal_seconds; }
};

struct BenchReport {
  std::string name;  ///< Of the machine.
  BenchExtent extent = BenchExtent::kQuick;
  MachineFacts machine;
  VersionFacts versions;
  double new_memory_seconds_per_gib = 0.0;
  Repeats plain;  ///< Steps by plain whole-image LibTorch.
  std::vector<ReadFigures> reading;
  std::vector<StepFigures> steps;
  std::vector<FailedSteps> failed;
  std::optional<Overlap> overlap;
};

nlohmann::ordered_json to_json(const ReadFigures& reading);
/// As `bench compare` reads it.
nlohmann::ordered_json to_json(const BenchReport& report);

}  // namespace untiled
