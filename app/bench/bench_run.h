// `bench run`: what reading, training and exporting take on this machine.
#pragma once

#include <filesystem>
#include <string>

#include "app/bench/bench_report.h"

namespace untiled {

struct BenchOptions {
  BenchExtent extent = BenchExtent::kQuick;
  std::filesystem::path scratch;  ///< An empty folder for slides and runs; the caller removes it.
  std::string name;               ///< Of the machine in comparisons; empty: as its maker calls it.
  std::string device = "auto";    ///< The setting.
};

/// Makes synthetic slides and, on each, trains, validates and exports in processes of their own, so
/// that seconds and memory are what a user of those verbs gets; reads with each backend; and takes
/// a plain whole-image LibTorch step as the yardstick. Times are medians with all values beside
/// them. A step that fails is listed with its reason. Throws ConfigError (the device), Interrupted.
BenchReport run_benchmark(const BenchOptions& options);

}  // namespace untiled
