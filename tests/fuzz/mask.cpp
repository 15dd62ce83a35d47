// Masks of class indices in TIFF.
#include "data/tissue/index_tiff.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto mask = open_index_tiff(as_file(bytes, ".tif"));
  mask->read(clip({{0, 64}, {0, 64}}, mask->extent()));
})
