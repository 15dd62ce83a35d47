// States of runs: the facts, with a check sum that holds, and files as they come.
#include "lib/train/state.h"

#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  refusing([&] { load_state(as_file(bytes, ".state")); });
  const auto path = as_file({}, ".facts");
  write_safetensors(path, {},
                    {{"format", "untiled state 1"}, {"facts", std::string(as_text(bytes))}});
  load_state(path);
})
