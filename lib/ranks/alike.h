// What must be the same on all ranks.
#pragma once

#include <string>

#include "lib/ranks/group.h"

namespace untiled {

/// Throws ConfigError on every rank, "rank 3 has {what} than rank 0: {advice}", where `value` is
/// not the same on all; compared by its hash. A collective call.
void require_alike(Group& ranks, const std::string& value, const std::string& what,
                   const std::string& advice);

}  // namespace untiled
