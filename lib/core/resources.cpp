#include "lib/core/resources.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "lib/core/cgroup.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <mach/mach.h>
#endif

namespace untiled {
namespace {

int64_t physical_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

/// Most resident bytes since the process started; never resets.
int64_t rusage_peak_bytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return usage.ru_maxrss;
#else
  return usage.ru_maxrss * 1024;
#endif
}

#if defined(__linux__)

int cores_in_affinity_mask() {
  // The kernel refuses a mask smaller than its own, so grow it until it fits.
  constexpr int kMostCores = 1 << 16;
  for (int size = CPU_SETSIZE; size <= kMostCores; size *= 2) {
    cpu_set_t* mask = CPU_ALLOC(size);
    const size_t mask_bytes = CPU_ALLOC_SIZE(size);
    const bool fits = sched_getaffinity(0, mask_bytes, mask) == 0;
    const int cores = fits ? CPU_COUNT_S(mask_bytes, mask) : 0;
    CPU_FREE(mask);
    if (fits) return cores;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// A line "VmRSS:   1234 kB" of /proc/self/status in bytes, or 0.
int64_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

#elif defined(__APPLE__)

int cores_in_affinity_mask() { return static_cast<int>(std::thread::hardware_concurrency()); }

#endif

}  // namespace

int usable_cores() {
  const int allowed = cores_in_affinity_mask();
  const auto quota = read_cgroup_limits().cores;
  const int cores = quota ? std::min(allowed, static_cast<int>(std::ceil(*quota))) : allowed;
  return std::max(cores, 1);
}

int64_t usable_memory_bytes() {
  return std::min(physical_memory_bytes(),
                  read_cgroup_limits().memory_bytes.value_or(physical_memory_bytes()));
}

#if defined(__APPLE__)

int64_t resident_bytes() {
  mach_task_basic_info info = {};
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&info), &count);
  return static_cast<int64_t>(info.resident_size);
}

int64_t peak_resident_bytes() { return rusage_peak_bytes(); }

bool reset_peak_resident() { return false; }

#else

int64_t resident_bytes() { return status_bytes("VmRSS"); }

int64_t peak_resident_bytes() {
  const int64_t peak = status_bytes("VmHWM");
  return peak > 0 ? peak : std::max(rusage_peak_bytes(), resident_bytes());
}

bool reset_peak_resident() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good() && status_bytes("VmHWM") > 0;
}

#endif

void keep_heap_memory() {
#ifdef __GLIBC__
  constexpr int kLargestOnHeap = 32 << 20;
  constexpr int kMostKept = 64 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestOnHeap);
  mallopt(M_TRIM_THRESHOLD, kMostKept);
#endif
}

}  // namespace untiled
