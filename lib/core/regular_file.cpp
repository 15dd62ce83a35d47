#include "lib/core/regular_file.h"

#include <fmt/format.h>

#include "lib/core/error.h"

namespace untiled {

std::optional<std::string> not_a_file(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return std::nullopt;
  if (S_ISDIR(status.st_mode)) return "a folder";
  if (S_ISFIFO(status.st_mode)) return "a pipe";
  return S_ISSOCK(status.st_mode) ? "a socket" : "a device";
}

void require_regular_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  if (const auto other = not_a_file(status)) {
    throw DataError(fmt::format("{}: is {}; give a file", path.string(), *other));
  }
}

}  // namespace untiled
