// Tables of a run, which its page is made from.
#include "lib/train/metrics_csv.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".csv");
  for (const char* column : {"step", "loss"}) refusing([&] { read_column(path, column); });
})
