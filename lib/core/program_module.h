// Libraries of the program's own that it opens only when they are needed.
#pragma once

#include <string>

namespace untiled {

/// The library of this name ("untiled_mpi") beside the program, as a build leaves it, or in ../lib,
/// as an installation does; empty where there is none.
std::string find_program_module(const std::string& name);

}  // namespace untiled
