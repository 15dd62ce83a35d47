// What a Linux control group (a container, a batch system's job) allows this process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace untiled {

struct CgroupLimits {
  std::optional<double> cores;          ///< CPU quota over its period.
  std::optional<int64_t> memory_bytes;  ///< Hard limit.
};

/// The tightest limits of the process's groups and all their parents, versions 1 and 2. Reads
/// proc/self/{cgroup,mountinfo} and the mounts they name below `root`; nothing limits where those
/// do not exist.
CgroupLimits read_cgroup_limits(const std::filesystem::path& root = "/");

}  // namespace untiled
