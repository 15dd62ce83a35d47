// What AtomicFile and AtomicFolder leave when their process is killed: "<name>.<pid>.<n>.part".
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace untiled {

struct LeftOver {
  std::string name;  ///< Of the file that was to be.
  int process = 0;
};

/// Nothing where a file's name is not of that kind.
std::optional<LeftOver> left_over(const std::string& file_name);

/// Whether no process of this machine has that number, or only this one has.
bool is_gone(int process);

/// Removes the left-overs of a folder for which `is_ours` is true; one that cannot be removed
/// stays.
void remove_left_overs(const std::filesystem::path& folder,
                       const std::function<bool(const LeftOver&)>& is_ours);

}  // namespace untiled
