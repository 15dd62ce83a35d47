#include "lib/core/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/number.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The numbers of a one-line file; a word such as "max" ends them.
std::vector<double> read_numbers(const fs::path& path) {
  std::vector<double> numbers;
  std::ifstream stream(path);
  for (std::string word; stream >> word;) {
    const auto number = parse_number<double>(word);
    if (!number) break;
    numbers.push_back(*number);
  }
  return numbers;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Where a hierarchy is mounted, and which of its folders the mount point shows.
struct Mount {
  fs::path point;
  fs::path shown;
};

/// From a line of mountinfo (proc(5)): "36 35 98:0 /shown /point options - type source options".
std::optional<Mount> find_mount(const fs::path& root, std::string_view controller) {
  for (const std::string& line : read_lines(root / "proc/self/mountinfo")) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const bool matches = controller.empty()
                             ? dash[1] == "cgroup2"
                             : dash[1] == "cgroup" && contains(split(dash[3], ','), controller);
    if (matches) return Mount{root / fs::path(words[4]).relative_path(), words[3]};
  }
  return std::nullopt;
}

/// The process's group in a hierarchy, from "5:cpu,cpuacct:/group"; version 2 has no controllers.
std::optional<fs::path> find_group(const fs::path& root, std::string_view controller) {
  for (const std::string& line : read_lines(root / "proc/self/cgroup")) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool matches =
        controller.empty() ? controllers.empty() : contains(split(controllers, ','), controller);
    if (matches) return fs::path(line.substr(second + 1));
  }
  return std::nullopt;
}

/// The folders of the process's group and of its parents, innermost first.
std::vector<fs::path> group_folders(const fs::path& root, std::string_view controller) {
  const auto mount = find_mount(root, controller);
  const auto group = find_group(root, controller);
  if (!mount || !group) return {};
  fs::path below = group->lexically_relative(mount->shown);
  // A container may see only its own group, mounted as if it were the root.
  if (below.empty() || *below.begin() == ".." || !fs::exists(mount->point / below)) below = ".";
  std::vector<fs::path> folders;
  for (; below != "." && !below.empty(); below = below.parent_path()) {
    folders.push_back(mount->point / below);
  }
  folders.push_back(mount->point);
  return folders;
}

template <typename T>
void tighten(std::optional<T>& limit, T value) {
  limit = limit ? std::min(*limit, value) : value;
}

void tighten_cores(CgroupLimits& limits, double quota, double period) {
  if (quota > 0 && period > 0) tighten(limits.cores, quota / period);
}

void tighten_memory(CgroupLimits& limits, const std::vector<double>& numbers) {
  // Version 1 says "unlimited" with a number near 2^63.
  constexpr double kUnlimited = 0x1p60;
  if (!numbers.empty() && numbers[0] > 0 && numbers[0] < kUnlimited) {
    tighten(limits.memory_bytes, static_cast<int64_t>(numbers[0]));
  }
}

}  // namespace

CgroupLimits read_cgroup_limits(const fs::path& root) {
  CgroupLimits limits;
  for (const fs::path& folder : group_folders(root, "")) {
    const auto cpu = read_numbers(folder / "cpu.max");
    if (cpu.size() == 2) tighten_cores(limits, cpu[0], cpu[1]);
    tighten_memory(limits, read_numbers(folder / "memory.max"));
  }
  for (const fs::path& folder : group_folders(root, "cpu")) {
    const auto quota = read_numbers(folder / "cpu.cfs_quota_us");
    const auto period = read_numbers(folder / "cpu.cfs_period_us");
    if (!quota.empty() && !period.empty()) tighten_cores(limits, quota[0], period[0]);
  }
  for (const fs::path& folder : group_folders(root, "memory")) {
    tighten_memory(limits, read_numbers(folder / "memory.limit_in_bytes"));
  }
  return limits;
}

}  // namespace untiled
