// The command line around the verbs, and the one place where failures become exit codes.
#pragma once

#include <vector>

#include "app/commands/command.h"

namespace untiled {

/// Parses, runs the verb that was chosen and returns the process's exit code.
int run_program(int argc, char** argv, const std::vector<Command>& commands);

}  // namespace untiled
