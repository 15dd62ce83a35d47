// Saved stains: what is read is written and read as the same bits again.
#include "lib/filters/stain_file.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const filters::Stains stains = filters::read_stains(as_file(bytes, ".json"));
  const auto again = as_folder() / "again.json";
  filters::write_stains(again, stains);
  const filters::Stains same = filters::read_stains(again);
  if (same.vectors != stains.vectors || same.high != stains.high) std::abort();
})
