// The command line around the verbs, and the one place where failures become exit codes.
#pragma once

#include <exception>
#include <functional>
#include <vector>

#include "app/commands/command.h"
#include "lib/core/failure.h"

namespace untiled {

/// Parses, runs the verb that was chosen and returns the process's exit code. `describe` says what
/// an exception means.
int run_program(int argc, char** argv, const std::vector<Command>& commands,
                const std::function<Failure(const std::exception_ptr&)>& describe = failure_of);

}  // namespace untiled
