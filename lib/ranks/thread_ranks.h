// Ranks as threads of one process: no launcher, and sanitizers see everything.
#pragma once

#include <functional>

#include "lib/ranks/group.h"

namespace untiled {

/// Runs `body` on `count` threads, each of them a rank of one group, and returns when all have
/// returned. Where one throws, the others' waits throw too, and its failure is thrown here once all
/// have ended: with the rank's number before its sentence, or as it was where there is one rank.
void run_thread_ranks(int count, const std::function<void(Group&)>& body);

}  // namespace untiled
