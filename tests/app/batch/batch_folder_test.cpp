#include "app/batch/batch_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

const WorkIdentity kWork = {"f0", "s0", "m0"};
constexpr const char* kId = "a.svs";
constexpr const char* kOutput = "a.svs.mask.png";

SlideReport report() {
  SlideReport done;
  done.slide_id = kId;
  done.path = "/slides/a.svs";
  done.fingerprint = kWork.fingerprint;
  done.settings_hash = kWork.settings_hash;
  done.model_hash = kWork.model_hash;
  done.version = UNTILED_VERSION;
  done.mpp_x = 0.1 + 0.2;
  done.outputs = {kOutput};
  return done;
}

/// A folder in which a slide is done.
void do_slide(const std::filesystem::path& folder) {
  const BatchFolder batch(folder);
  batch.begin(kId, {kOutput});
  write_file(folder / kOutput, "mask");
  batch.record(report(), {}, {});
}

std::filesystem::path record_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder / ".untiled")) {
    const std::string name = entry.path().filename().string();
    const bool is_record = name.ends_with(".json") && name.find(".seconds.") == std::string::npos;
    if (is_record) return entry.path();
  }
  return {};
}

}  // namespace

TEST_CASE("a folder is the first verb's, but for files of other names") {
  const TemporaryFolder folder;
  const auto names = [](const char* verb) {
    BatchNames of_verb;
    of_verb.verb = verb;
    return of_verb;
  };
  const BatchFolder first(folder.path(), names("label"));
  const BatchFolder again(folder.path(), names("label"));
  CHECK_THROWS_AS(BatchFolder(folder.path(), names("export")), ConfigError);
  CHECK_THROWS_WITH(BatchFolder(folder.path(), names("export")),
                    contains_text(folder.path().string()) && contains_text("reports of label") &&
                        contains_text("export would replace") &&
                        contains_text("--out another folder"));
  BatchNames other = names("evaluate");
  other.records = ".untiled/evaluation";
  const BatchFolder beside(folder.path(), other);
  const BatchFolder anyone(folder.path());
}

TEST_CASE("a record with its check sum is done work") {
  const TemporaryFolder folder;
  do_slide(folder.path());
  const auto done = BatchFolder(folder.path()).find_done(kId, kWork, {kOutput});
  REQUIRE(done);
  CHECK(done->mpp_x == 0.1 + 0.2);
}

TEST_CASE("a damaged record is redone, and its outputs are replaced") {
  const TemporaryFolder folder;
  do_slide(folder.path());
  const auto record = record_in(folder.path());
  const std::string whole = read_file(record);
  std::string changed = whole;
  changed[whole.find("a.svs\"") + 1] = '_';
  for (const std::string& text :
       {changed, whole.substr(0, whole.size() / 2), std::string(), std::string(70'000, '['),
        std::string("{\"check_sum\": 7, \"content\": []}"), std::string("null")}) {
    write_file(record, text);
    const BatchFolder batch(folder.path());
    CHECK_FALSE(batch.find_done(kId, kWork, {kOutput}));
    CHECK_FALSE(batch.find_foreign(kId, {kOutput}));
    do_slide(folder.path());
    CHECK(BatchFolder(folder.path()).find_done(kId, kWork, {kOutput}));
  }
}

TEST_CASE("a folder with a record's name is moved aside") {
  const TemporaryFolder folder;
  do_slide(folder.path());
  const auto record = record_in(folder.path());
  std::filesystem::remove(record);
  write_file(record / "inside", "kept");
  do_slide(folder.path());
  CHECK(BatchFolder(folder.path()).find_done(kId, kWork, {kOutput}));
  CHECK(read_file(record.string() + ".foreign/inside") == "kept");
}

TEST_CASE("what stood where a record belongs is kept, however often, and bars no slide") {
  const TemporaryFolder folder;
  do_slide(folder.path());
  const auto record = record_in(folder.path());
  write_file(record.string() + ".foreign/inside", "first");
  std::filesystem::remove(record);
  write_file(record / "inside", "second");
  const BatchFolder batch(folder.path());
  CHECK(read_file(record.string() + ".foreign/inside") == "first");
  CHECK(read_file(record.string() + ".foreign2/inside") == "second");
  CHECK_FALSE(batch.find_foreign(kId, {kOutput}));
}

TEST_CASE("a record of another slide is none of this one, whose outputs it does not name") {
  const TemporaryFolder folder;
  do_slide(folder.path());
  const auto record = record_in(folder.path());
  const BatchFolder batch(folder.path());
  SlideReport other = report();
  other.slide_id = "b.svs";
  other.outputs = {"b.svs.mask.png"};
  write_file(folder / "b.svs.mask.png", "mask of b");
  batch.record(other, {}, {});
  for (const auto& entry : std::filesystem::directory_iterator(folder / ".untiled")) {
    const std::string name = entry.path().filename().string();
    const bool is_other = name.ends_with(".json") && name.find(".seconds.") == std::string::npos &&
                          entry.path() != record;
    if (is_other) write_file(record, read_file(entry.path()));
  }
  CHECK_FALSE(batch.find_done(kId, kWork, {kOutput}));
  CHECK_FALSE(batch.find_foreign(kId, {kOutput}));
  SlideReport failed = report();
  failed.status = SlideStatus::kFailed;
  batch.record(failed, {}, {});
  CHECK(read_file(folder / "b.svs.mask.png") == "mask of b");
}

TEST_CASE("a link that leads nowhere is somebody's, and no output is put in its place") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder / "nowhere", folder / kOutput);
  CHECK(BatchFolder(folder.path()).find_foreign(kId, {kOutput}));
}

TEST_CASE("a damaged note of a folder's verb is no verb") {
  const TemporaryFolder folder;
  BatchNames names;
  names.verb = "label";
  const BatchFolder first(folder.path(), names);
  for (const std::string& text : {std::string(), std::string("\0\1\2", 3), std::string(100, 'a')}) {
    write_file(folder / ".untiled" / "verb", text);
    const BatchFolder healed(folder.path(), names);
    CHECK(read_file(folder / ".untiled" / "verb") == "label");
  }
  write_file(folder / ".untiled" / "verb", "label\n");
  CHECK_NOTHROW(BatchFolder(folder.path(), names));
}

TEST_CASE("what dead processes left in a batch's folder is gone when another begins") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const AtomicFile mask(folder / "other.svs.ome.tif");
    const AtomicFile record(folder.path() / ".untiled" / "0.json");
    ::_exit(0);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  write_file(folder / "thesis.part", "people's");
  const BatchFolder batch(folder.path());
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file()) ++files;
  }
  CHECK(files == 1);
}

}  // namespace untiled
