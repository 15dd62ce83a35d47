// The figures of `bench ranks`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/bench/machine.h"
#include "app/bench/rank_prediction.h"

namespace untiled {

/// Seconds, means over the ranks.
struct RankStepParts {
  double compute = 0.0;
  double halo = 0.0;
  double sums = 0.0;
  double waiting = 0.0;  ///< For other ranks.
};

/// Steps of a network over some ranks, measured.
struct MeasuredSteps {
  std::string network;
  int threads = 1;  ///< Of each rank.
  Scaling scaling = Scaling::kStrong;
  int ranks = 1;
  int64_t slides = 1;
  RankGrid grid;
  Extent extent;                    ///< Of each slide.
  std::vector<double> seconds;      ///< Of each step.
  std::vector<double> cpu_seconds;  ///< Of all ranks together.
  RankStepParts parts;              ///< Of the step that took the median.
  int64_t halo_bytes_per_rank = 0;
  int64_t sum_bytes_per_rank = 0;
  int64_t memory_bytes_per_rank = 0;  ///< Beside the pixels; 0: not known here.
  double efficiency = 0.0;            ///< Against one rank.
  RankTime modelled;                  ///< The same step by the model.

  double median_seconds() const;
  double median_cpu_seconds() const;
  double seconds_per_slide() const { return median_seconds() / static_cast<double>(slides); }
};

/// A machine, and the network that its rate was fitted to.
struct FittedModel {
  std::string network;
  RankMachine machine;
};

struct RankBenchReport {
  std::string name;  ///< Of the machine.
  MachineFacts machine;
  VersionFacts versions;
  bool are_processes = false;  ///< Else ranks are threads of one process.
  int steps_per_row = 1;
  std::vector<MeasuredSteps> measured;
  std::vector<FittedModel> models;
  std::vector<ModelledStep> modelled;

  std::string ranks_are() const { return are_processes ? "processes" : "threads"; }
};

/// As `bench compare` reads it.
nlohmann::ordered_json to_json(const RankBenchReport& report);

}  // namespace untiled
