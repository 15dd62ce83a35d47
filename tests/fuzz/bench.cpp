// Files of `bench`, and lists of prices.
#include "app/bench/comparison.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  refusing([&] { load_prices(as_file(bytes, ".yaml")); });
  comparison_markdown(load_bench_files({as_file(bytes, ".json")}), {{"e", "machine", 1}});
})
