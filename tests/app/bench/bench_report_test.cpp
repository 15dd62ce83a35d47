#include "app/bench/bench_report.h"

#include <nlohmann/json.hpp>

#include "app/bench/comparison.h"
#include "app/bench/overlap.h"
#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

StepFigures steps(const char* name, double seconds) {
  return {.name = name, .steps = {{1000, 2000}, {seconds, seconds, seconds}}};
}

/// Of a machine that decodes two megapixels a second.
BenchReport some_report() {
  BenchReport report;
  report.name = "desk";
  report.plain = {{10, 10}, {1.0}};
  report.reading = {{{.region = 1024, .threads = 1},
                     {.backend = "tiff", .seconds = {1.0}, .megapixels_per_second = 2.0}}};
  report.steps = {steps("default", 0.5), steps(kComputingStep, 0.8), steps(kOverlappedStep, 1.5)};
  return report;
}

TEST_CASE("overlap is judged against the slower of decoding and computing") {
  BenchReport report = some_report();
  const auto overlap = overlap_of(report);
  REQUIRE(overlap);
  CHECK(overlap->decoding_seconds == 1.0);
  CHECK(overlap->ideal_seconds == 1.0);
  CHECK(overlap->times_ideal() == 1.5);
  report.steps.pop_back();
  CHECK_FALSE(overlap_of(report));
}

TEST_CASE("what bench run writes bench compare reads, machines of one name told apart") {
  const TemporaryFolder folder;
  const std::string text = to_json(some_report()).dump();
  write_file(folder / "monday.json", text);
  write_file(folder / "friday.json", text);
  const BenchFiles files = load_bench_files({folder / "monday.json", folder / "friday.json"});
  REQUIRE(files.steps.size() == 2);
  CHECK(files.steps[0].name == "desk (monday)");
  CHECK(files.steps[1].name == "desk (friday)");
  CHECK(files.steps[0].rows == 1000);
  CHECK(files.steps[0].columns == 2000);
  CHECK(files.steps[0].seconds_per_gigapixel() == 250.0);
  CHECK(load_bench_files({folder / "monday.json"}).steps[0].name == "desk");
}

}  // namespace
}  // namespace untiled
