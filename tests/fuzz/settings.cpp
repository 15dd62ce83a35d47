// Settings in YAML, and single ones as --set gives them.
#include "app/config/load.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const std::string text(as_text(bytes));
  refusing([&] { load_settings(as_file(bytes, ".yaml")); });
  refusing([&] { default_settings({text}); });
  default_settings({"data.classes=" + text});
})
