#include "lib/core/resources.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "lib/core/cgroup.h"
#include "lib/core/platform.h"

namespace untiled {
namespace {

int64_t physical_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

}  // namespace

int usable_cores() {
  const int allowed = schedulable_cores();
  const auto quota = read_cgroup_limits().cores;
  const int cores = quota ? std::min(allowed, static_cast<int>(std::ceil(*quota))) : allowed;
  return std::max(cores, 1);
}

int64_t usable_memory_bytes() {
  return std::min(physical_memory_bytes(),
                  read_cgroup_limits().memory_bytes.value_or(physical_memory_bytes()));
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace untiled
