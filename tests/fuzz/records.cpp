// Records and leases in the folder of a batch.
#include "app/batch/batch_folder.h"
#include "lib/core/atomic_file.h"
#include "lib/core/hasher.h"
#include "lib/core/json_text.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const std::string record = "9a1b";  // Any name: records are found by their slides' ids.
  const auto hidden = as_folder() / ".untiled";
  make_folder(hidden);
  put_file(hidden / "a.lease", bytes);
  Lease::any_elsewhere(hidden);
  Lease::take(hidden / "a.lease");
  const std::string name = hash_of(record).substr(0, 20);
  put_file(hidden / (name + ".json"), bytes);
  put_file(hidden / (name + ".begun.json"), bytes);
  const BatchFolder batch(as_folder());
  batch.find_done(record, {}, {});
  batch.find_foreign(record, {"a.png"});
  slide_report(parse_json<nlohmann::ordered_json>(as_text(bytes)));
})
