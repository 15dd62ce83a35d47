// Paths and globs to files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

/// The files that `patterns` name, in the order of the patterns and sorted folder by folder within
/// each, names by bytes; every file once. "*", "?" and "[a-z]" match within a name and no leading
/// dot, "**" any number of folders. A pattern without these, or one that exists literally, stands
/// for itself, there or not. Throws ConfigError naming a pattern without match.
std::vector<std::filesystem::path> expand(const std::vector<std::string>& patterns);

}  // namespace untiled
