// Safetensors files, and checkpoints of both kinds of networks among them.
#include "lib/train/safetensors.h"

#include "lib/train/checkpoint.h"
#include "lib/train/classifier_checkpoint.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".safetensors");
  refusing([&] { read_safetensors(path); });
  refusing([&] { load_classifier(path); });
  load_checkpoint(path);
})
