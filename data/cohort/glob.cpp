#include "data/cohort/glob.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// The sorted entries of a folder; none where it cannot be read.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end;
       it.increment(error)) {
    paths.push_back(folder / it->path().filename());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

using Part = fs::path::const_iterator;

// NOLINTNEXTLINE(misc-no-recursion): as deep as the folders are
void match(const fs::path& folder, Part part, Part end, std::set<fs::path>& found) {
  if (part == end) {
    if (is_there(folder)) found.insert(folder);
    return;
  }
  const Part next = std::next(part);
  if (!is_glob(part->string())) return match(folder / *part, next, end, found);
  const bool any_depth = *part == "**";
  if (any_depth) match(folder, next, end, found);
  for (const fs::path& entry : entries(folder)) {
    const bool fits =
        ::fnmatch(any_depth ? "*" : part->c_str(), entry.filename().c_str(), FNM_PERIOD) == 0;
    if (!fits) continue;
    if (any_depth) {
      const bool holds_files = is_folder(entry) && !fs::is_symlink(entry) && !is_zarr_folder(entry);
      if (holds_files) match(entry, part, end, found);
    } else {
      match(entry, next, end, found);
    }
  }
}

std::set<fs::path> expand_one(const std::string& pattern) {
  if (!is_glob(pattern) || is_there(pattern)) return {pattern};
  const fs::path path(pattern);
  std::set<fs::path> found;
  match("", path.begin(), path.end(), found);
  if (found.empty()) throw ConfigError(fmt::format("{}: no file matches this pattern", pattern));
  return found;
}

}  // namespace

std::vector<fs::path> expand(const std::vector<std::string>& patterns) {
  std::vector<fs::path> files;
  std::set<fs::path> seen;
  for (const std::string& pattern : patterns) {
    for (const fs::path& file : expand_one(pattern)) {
      if (seen.insert(fs::absolute(file).lexically_normal()).second) files.push_back(file);
    }
  }
  return files;
}

}  // namespace untiled
