// The program runs itself, so that each measurement has a process and its memory of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

/// Runs `untiled ARGUMENTS...` with stdout and stderr in files of `scratch`; returns what it wrote
/// to stdout. When it fails, throws what its exit code says with the end of its stderr; Interrupted
/// when the user stopped this process, which stops it too.
std::string run_untiled(const std::vector<std::string>& arguments,
                        const std::filesystem::path& scratch);

}  // namespace untiled
