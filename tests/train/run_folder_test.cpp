#include "lib/train/run_folder.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/statistics.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"

namespace untiled {
namespace {

TEST_CASE("a non-empty run folder needs --resume") {
  const ScratchFolder scratch;
  write_file(scratch / "run/old.txt", "x");
  CHECK_THROWS_WITH(RunFolder(scratch / "run", false), contains_text("is not empty: add --resume"));
  CHECK_THROWS_AS(RunFolder(scratch / "run", false), ConfigError);
  const RunFolder folder(scratch / "run", true);
  CHECK_FALSE(folder.has_state());
  CHECK(read_file(scratch / "run/old.txt") == "x");
}

TEST_CASE("a run folder that stayed empty disappears, one that was there does not") {
  const ScratchFolder scratch;
  { const RunFolder folder(scratch / "new", false); }
  CHECK_FALSE(std::filesystem::exists(scratch / "new"));
  std::filesystem::create_directory(scratch / "old");
  { const RunFolder folder(scratch / "old", false); }
  CHECK(std::filesystem::exists(scratch / "old"));
}

TEST_CASE("a run folder that is a file is refused") {
  const ScratchFolder scratch;
  write_file(scratch / "run", "x");
  CHECK_THROWS_AS(RunFolder(scratch / "run", true), ConfigError);
}

TEST_CASE("two processes cannot train in one folder") {
  const ScratchFolder scratch;
  {
    const RunFolder first(scratch / "run", false);
    CHECK_THROWS_WITH(RunFolder(scratch / "run", true), contains_text("another process trains"));
  }
  CHECK_NOTHROW(RunFolder(scratch / "run", true));
}

TEST_CASE("leftovers of a killed process are removed, other people's files are not") {
  const ScratchFolder scratch;
  write_file(scratch / "run/checkpoints/last.state.7.0.part", "x");
  write_file(scratch / "run/summary.json.7.1.part", "x");
  write_file(scratch / "run/download.part", "x");
  const RunFolder folder(scratch / "run", true);
  CHECK_FALSE(std::filesystem::exists(scratch / "run/checkpoints/last.state.7.0.part"));
  CHECK_FALSE(std::filesystem::exists(scratch / "run/summary.json.7.1.part"));
  CHECK(std::filesystem::exists(scratch / "run/download.part"));
}

TEST_CASE("previews have names that every file system takes") {
  const ScratchFolder scratch;
  const RunFolder folder(scratch / "run", false);
  CHECK(folder.preview(20, "a/b c.svs") == scratch / "run" / "previews/step000020_a_b_c.svs.png");
}

TEST_CASE("a setting that changes what is trained may not change on resume") {
  const SettingsMap before = {{"train.loss", "bce"}, {"train.steps", "10"}, {"device", "cpu"}};
  RecordedSettings now{.values = before};
  now.values["train.steps"] = "20";
  now.values["device"] = "cuda";
  now.values["run.scratch"] = "/big";
  CHECK_NOTHROW(check_resume("runs/a", before, now));
  now.values["train.loss"] = "dice";
  CHECK_THROWS_WITH(check_resume("runs/a", before, now),
                    contains_text("train.loss was bce and is now dice"));
  CHECK_THROWS_AS(check_resume("runs/a", before, now), ConfigError);
}

TEST_CASE("provenance names slides, and neither host nor paths when de-identified") {
  const ScratchFolder scratch;
  Provenance provenance{
      "0.1.0", "cpu", "fused", "avx2", {{"a.svs", "/data/a.svs", "train", "f00", {3, 4}, 0.25}},
      false};
  const SettingsMap settings = {{"train.loss", "bce"}, {"device", "cpu"}};
  write_provenance(scratch / "p.json", provenance, settings);
  auto json = nlohmann::json::parse(read_file(scratch / "p.json"));
  CHECK(json["slides"][0]["path"] == "/data/a.svs");
  CHECK(json["slides"][0]["fingerprint"] == "f00");
  CHECK(json["slides"][0]["rows"] == 3);
  CHECK(json["slides"][0]["columns"] == 4);
  CHECK(json["settings_hash"] == settings_hash({{"train.loss", "bce"}, {"device", "cuda"}}));
  CHECK(json["settings_hash"] != settings_hash({{"train.loss", "dice"}}));
  CHECK(json["decoder"] == "host");
  CHECK(json.contains("host"));

  provenance.deidentify = true;
  provenance.slides[0].mpp.reset();
  write_provenance(scratch / "p.json", provenance, settings);
  json = nlohmann::json::parse(read_file(scratch / "p.json"));
  CHECK_FALSE(json.contains("host"));
  CHECK_FALSE(json["slides"][0].contains("path"));
  CHECK(json["slides"][0]["mpp"].is_null());
}

TEST_CASE("undefined numbers are null in the summary") {
  const ScratchFolder scratch;
  Summary summary;
  summary.losses = {0.1 + 0.2};
  summary.best_dice = std::numeric_limits<double>::quiet_NaN();
  write_summary(scratch / "s.json", summary);
  const auto json = nlohmann::json::parse(read_file(scratch / "s.json"));
  CHECK(json["best_dice"].is_null());
  CHECK(json["losses"] == std::vector<double>{0.1 + 0.2});
  for (const char* key : {"seconds_per_step", "cpu_seconds_per_step", "pixels_per_step",
                          "parameters", "level", "peak_rss_bytes", "budget_used_bytes", "device",
                          "rank_sums", "decoder", "decoded_by_nvimgcodec"}) {
    CHECK(json.contains(key));
  }
}

TEST_CASE("the median is the middle value") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  CHECK(std::isnan(median({})));
}

}  // namespace
}  // namespace untiled
