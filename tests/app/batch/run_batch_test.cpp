#include "app/batch/run_batch.h"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/slides/slides.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Three slides: two small images and a file that is none.
BatchOptions batch_in(const fs::path& folder) {
  const fs::path picture = testing::small_slide("picture.png");
  BatchOptions options;
  for (const char* name : {"a.png", "b.png"}) {
    fs::copy_file(picture, folder / name, fs::copy_options::skip_existing);
    options.slides.push_back({.path = folder / name});
  }
  write_file(folder / "c.png", "no picture");
  options.slides.push_back({.path = folder / "c.png"});
  options.title = "count";
  options.settings_hash = "s";
  return options;
}

/// Counts the slides that are worked on.
SlideWork counting(int& count) {
  return [&count](SlideTask task) {
    ++count;
    task.report.details = ScoreDetails{1.0, {{count, 0, 0}}};
    return SlideResult{std::move(task.report), {}, {}, SlideCosts{1.0, 2.0, 3}};
  };
}

}  // namespace

TEST_CASE("a batch without a folder keeps nothing and goes on after a slide that fails") {
  const TemporaryFolder folder;
  const BatchOptions options = batch_in(folder.path());
  for (int round = 0; round < 2; ++round) {
    int count = 0;
    std::vector<std::string> told;
    BatchOptions telling = options;
    telling.tell = [&](const SlideReport& report) { told.push_back(report.slide_id); };
    const BatchOutcome outcome = run_batch(telling, counting(count));
    CHECK(count == 2);
    CHECK(outcome.failed == 1);
    CHECK(outcome.exit_code == 4);
    REQUIRE(outcome.slides.size() == 3);
    CHECK(outcome.slides[0].costs);
    CHECK(outcome.slides[2].report.status == SlideStatus::kFailed);
    CHECK(told == std::vector<std::string>{"a.png", "b.png", "c.png"});
  }
  CHECK_FALSE(fs::exists(folder / ".untiled"));
}

TEST_CASE("what other files of a slide say decides whether it is done again") {
  const TemporaryFolder folder;
  const TemporaryFolder out;
  BatchOptions options = batch_in(folder.path());
  options.out = out.path();
  std::string reference = "one";
  options.made_from = [&](const CohortEntry& entry, const std::string& id) {
    if (entry.path.filename() == "b.png") throw DataError(id + " has no reference");
    return reference;
  };
  const auto works = [&] {
    int count = 0;
    const BatchOutcome outcome = run_batch(options, counting(count));
    CHECK(outcome.slides[1].report.reason == "b.png has no reference");
    return count;
  };
  CHECK(works() == 1);
  CHECK(works() == 0);
  reference = "another";
  CHECK(works() == 1);
}

TEST_CASE(
    "a shard's outcome has the slides of others that are done, if they are of the same work") {
  const TemporaryFolder folder;
  const TemporaryFolder out;
  BatchOptions options = batch_in(folder.path());
  options.out = out.path();
  options.shard = {.index = 1, .count = 2};
  int count = 0;
  CHECK(run_batch(options, counting(count)).all.size() == 1);
  options.shard = {.index = 0, .count = 2};
  const BatchOutcome outcome = run_batch(options, counting(count));
  CHECK(outcome.slides.size() == 2);
  REQUIRE(outcome.all.size() == 3);
  CHECK(std::get<ScoreDetails>(outcome.all[1].report.details).pixels[0].true_positive == 1);
  options.settings_hash = "other";
  CHECK(run_batch(options, counting(count)).all.size() == 2);
}

}  // namespace untiled
