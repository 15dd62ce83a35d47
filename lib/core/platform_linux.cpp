#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/core/platform.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/number.h"
#include "lib/core/resources.h"

namespace untiled {
namespace {

/// Of a line "VmRSS:   1234 kB" of /proc/self/status, or 0.
int64_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    const std::string_view text = line;
    const size_t first = text.find_first_of("0123456789");
    if (!text.starts_with(name) || first == std::string_view::npos) continue;
    const std::string_view digits = text.substr(first, text.find(' ', first) - first);
    return parse_number<int64_t>(digits).value_or(0) * 1024;
  }
  return 0;
}

/// Most resident bytes since the process started; never resets.
int64_t rusage_peak_bytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

/// The part of a file's pages that are in memory; 1 where the system does not tell.
double cached_part(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || status.st_size == 0) return 1;
  const auto bytes = static_cast<size_t>(status.st_size);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return 1;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  const bool is_known = ::mincore(memory, bytes, pages.data()) == 0;
  ::munmap(memory, bytes);
  if (!is_known) return 1;
  const auto cached =
      std::count_if(pages.begin(), pages.end(), [](unsigned char p) { return (p & 1) != 0; });
  return static_cast<double>(cached) / static_cast<double>(pages.size());
}

/// The content of a link, or nothing.
std::string link_target(const char* link) {
  std::error_code error;
  return std::filesystem::read_symlink(link, error).string();
}

}  // namespace

int64_t last_cache_bytes() {
  constexpr int64_t kUsual = int64_t{32} << 20;
  int64_t bytes = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
  bytes = std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE));
#endif
  return bytes > 0 ? bytes : kUsual;
}

std::string machine_token() {
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot);
  return hash_of(boot + link_target("/proc/self/ns/pid"));
}

std::filesystem::path own_program() {
  std::error_code error;
  auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw InternalError("this program's own path is unknown: " + error.message());
  return program;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t value = line.find(": ");
    if (line.starts_with("model name") && value != std::string::npos) return line.substr(value + 2);
  }
  return "unknown processor";
}

void end_with_parent() { prctl(PR_SET_PDEATHSIG, SIGTERM); }

int schedulable_cores() {
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

timespec modified_time(const struct stat& status) { return status.st_mtim; }

int open_uncached(const char* path, int flags) {
  constexpr mode_t kMode = 0666;
  return ::open(path, flags | O_DIRECT, kMode);
}

bool forget_cached_file(const char* path) {
  constexpr double kFew = 0.01;
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ::fdatasync(file);  // Pages that are not on the disk yet would stay.
  const bool is_asked = ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
  const bool is_gone = is_asked && cached_part(file) <= kFew;
  ::close(file);
  return is_gone;
}

void flush_file_system(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ::syncfs(file);
  ::close(file);
}

int64_t resident_bytes() { return status_bytes("VmRSS:"); }

int64_t peak_resident_bytes() {
  const int64_t peak = status_bytes("VmHWM:");
  return peak > 0 ? peak : std::max(rusage_peak_bytes(), resident_bytes());
}

bool reset_peak_resident() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good() && status_bytes("VmHWM:") > 0;
}

void keep_heap_memory() {
#if defined(__GLIBC__)
  constexpr int kLargestOnHeap = 32 << 20;
  constexpr int kMostKept = 64 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestOnHeap);
  mallopt(M_TRIM_THRESHOLD, kMostKept);
#endif
}

void return_heap_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace untiled
