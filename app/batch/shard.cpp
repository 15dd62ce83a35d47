#include "app/batch/shard.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {

Shard parse_shard(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto index = parse_number<int64_t>(text.substr(0, slash));
  const auto count = parse_number<int64_t>(text.substr(std::min(slash + 1, text.size())));
  if (!index || !count || *count < 1 || *index < 0 || *index > *count) {
    throw ConfigError(fmt::format(
        "--shard {}: expected i/N, the part i (1 to N, or 0 to N - 1) of N parts", text));
  }
  return {.index = *index % *count, .count = *count};
}

}  // namespace untiled
