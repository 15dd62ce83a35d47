// The figures of `bench tiles`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/tile_bench/host.h"
#include "lib/core/region.h"

namespace untiled {

/// A job that went well.
struct TileJobFigures {
  std::string job;
  std::string cache;  ///< Where the input was: memory, warm or cold.
  int64_t pixels = 0;
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;
  std::vector<double> seconds;  ///< Of each repeat.
  std::vector<double> cpu_seconds;
  int64_t peak_rss_bytes = 0;  ///< Of the repeat that took most.

  double median_seconds() const;
  double median_cpu_seconds() const;
  double megapixels_per_second() const;
};

struct FailedJob {
  std::string job;
  std::string reason;
};

struct TileBenchReport {
  std::string name;  ///< Of the machine.
  HostFacts machine;
  BuildFacts versions;
  Extent extent;
  int workers = 1;
  int repeats = 1;
  int64_t raw_file_bytes = 0;
  int64_t jpeg_file_bytes = 0;
  bool has_cold_runs = true;  ///< The file system could be made to forget.
  std::vector<TileJobFigures> jobs;
  std::string device;       ///< Empty: none.
  std::string kvikio_mode;  ///< Empty: KvikIO was not used.
  std::vector<FailedJob> failed;
};

/// As `bench compare` reads it.
nlohmann::ordered_json to_json(const TileBenchReport& report);

}  // namespace untiled
