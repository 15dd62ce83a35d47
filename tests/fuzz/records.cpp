// Records and leases in the folder of a batch.
#include "app/batch/batch_folder.h"
#include "lib/core/atomic_file.h"
#include "lib/core/hasher.h"
#include "lib/core/json_text.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

namespace {

std::filesystem::path folder() {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("untiled-fuzz-" + std::to_string(::getpid()));
  return path;
}

}  // namespace

UNTILED_FUZZ_TARGET({
  const std::string record = "9a1b";  // Any name: records are found by their slides' ids.
  const auto hidden = folder() / ".untiled";
  make_folder(hidden);
  write_file(hidden / "a.lease", as_text(bytes));
  Lease::any_elsewhere(hidden);
  Lease::take(hidden / "a.lease");
  const std::string name = hash_of(record).substr(0, 20);
  write_file(hidden / (name + ".json"), as_text(bytes));
  write_file(hidden / (name + ".begun.json"), as_text(bytes));
  const BatchFolder batch(folder());
  batch.find_done(record, {}, {});
  batch.find_foreign(record, {"a.png"});
  slide_report(parse_json<nlohmann::ordered_json>(as_text(bytes)));
})
