// The part of a batch's slides that one process does.
#pragma once

#include <cstdint>
#include <string>

namespace untiled {

/// Which slides of a list a process does: those whose place, modulo `count`, is `index`.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;
};

/// "2/8", or "8/8" for "0/8". Throws ConfigError.
Shard parse_shard(const std::string& text);

}  // namespace untiled
