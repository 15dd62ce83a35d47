// bench tiles, which does without LibTorch.
#pragma once

#include <functional>

#include "app/commands/command.h"

namespace untiled {

/// Adds the options of `bench tiles` and returns its body.
std::function<int()> define_bench_tiles(CLI::App& verb);

/// The verb `bench` with this part alone.
Command bench_tiles_command();

}  // namespace untiled
