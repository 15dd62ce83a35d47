// bench ranks.
#pragma once

#include <functional>

#include "app/commands/command.h"

namespace untiled {

/// Adds the options of `bench ranks` and returns its body.
std::function<int()> define_bench_ranks(CLI::App& verb);

}  // namespace untiled
