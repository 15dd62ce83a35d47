#include "app/tile_bench/tile_bench.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "app/tile_bench/work_folder.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {

TEST_CASE("a benchmark's folder goes away with all that is in it, and its parent stays") {
  const TemporaryFolder parent;
  std::filesystem::path path;
  {
    const WorkFolder work(parent / "new");
    path = work.path();
    std::filesystem::create_directories(path / "a" / "b");
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(std::filesystem::is_directory(parent / "new"));
}

TEST_CASE("figures of a job are the medians of its repeats") {
  TileJobFigures job{.job = "read", .cache = "warm", .pixels = 6'000'000};
  job.seconds = {9.0, 1.0, 3.0};
  job.cpu_seconds = {2.0, 8.0, 4.0};
  CHECK(job.median_seconds() == 3.0);
  CHECK(job.median_cpu_seconds() == 4.0);
  CHECK(job.megapixels_per_second() == 2.0);
}

TEST_CASE("the benchmark of tiles measures every job as often as it is asked for") {
  const TemporaryFolder folder;
  TileBenchOptions options{.extent = {512, 512}, .repeats = 2};
  options.workers = 2;
  options.name = "desk";
  options.scratch = folder.path();
  const TileBenchReport report = run_tile_benchmark(options);
  CHECK(report.failed.empty());
  REQUIRE_FALSE(report.jobs.empty());
  std::set<std::string> names;
  for (const TileJobFigures& job : report.jobs) {
    INFO(job.job);
    names.insert(job.job + " " + job.cache);
    CHECK(job.seconds.size() == 2);
    CHECK(job.cpu_seconds.size() == 2);
    CHECK(job.pixels > 0);
  }
  CHECK(names.size() == report.jobs.size());
  const nlohmann::ordered_json json = to_json(report);
  CHECK(json["name"] == "desk");
  CHECK(json["tiles"].size() == report.jobs.size());
}

}  // namespace untiled
