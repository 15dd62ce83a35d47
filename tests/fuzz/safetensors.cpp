// Safetensors files, and checkpoints among them.
#include "lib/train/safetensors.h"

#include "lib/train/checkpoint.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".safetensors");
  refusing([&] { read_safetensors(path); });
  load_checkpoint(path);
})
