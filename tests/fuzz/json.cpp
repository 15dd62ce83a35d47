// JSON of any origin: what is parsed is written and parsed to the same again.
#include "lib/core/json_text.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  using Json = nlohmann::ordered_json;
  const auto json = parse_json<Json>(as_text(bytes));
  if (json_text(parse_json<Json>(json_text(json))) != json_text(json)) std::abort();
})
