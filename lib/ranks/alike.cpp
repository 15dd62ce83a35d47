#include "lib/ranks/alike.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/core/error.h"
#include "lib/core/hasher.h"

namespace untiled {

void require_alike(Group& ranks, const std::string& value, const std::string& what,
                   const std::string& advice) {
  if (ranks.size() == 1) return;
  constexpr int kHex = 16;
  std::vector<int64_t> all(static_cast<size_t>(ranks.size()), 0);
  all[static_cast<size_t>(ranks.rank())] =
      static_cast<int64_t>(std::stoull(hash_of(value).substr(0, kHex), nullptr, kHex));
  ranks.sum(all);
  const auto other =
      std::find_if(all.begin(), all.end(), [&](int64_t hash) { return hash != all.front(); });
  if (other == all.end()) return;
  throw ConfigError(
      fmt::format("rank {} has {} than rank 0: {}", other - all.begin(), what, advice));
}

}  // namespace untiled
