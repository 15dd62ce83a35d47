// Files that are files: opening a pipe waits for ever, and reading a device may not end.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

namespace untiled {

/// What stands at a path where a file was expected ("a folder", "a pipe", "a device", "a socket");
/// nothing for a file.
std::optional<std::string> not_a_file(const struct stat& status);

/// Throws DataError naming the path when there is something other than a regular file. One that is
/// not there is for the open that follows.
void require_regular_file(const std::filesystem::path& path);

}  // namespace untiled
