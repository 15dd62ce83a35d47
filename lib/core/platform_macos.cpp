#include <fcntl.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>

#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/platform.h"
#include "lib/core/resources.h"

namespace untiled {

std::filesystem::path own_program() {
  std::string path(4096, '\0');
  auto size = static_cast<uint32_t>(path.size());
  if (_NSGetExecutablePath(path.data(), &size) != 0) {
    throw InternalError("this program's own path is unknown");
  }
  return path.c_str();
}

std::string processor_name() {
  std::array<char, 256> name{};
  size_t size = name.size();
  const bool known = sysctlbyname("machdep.cpu.brand_string", name.data(), &size, nullptr, 0) == 0;
  return known ? name.data() : "unknown processor";
}

int64_t last_cache_bytes() {
  constexpr int64_t kUsual = int64_t{32} << 20;
  int64_t bytes = 0;
  size_t size = sizeof bytes;
  const bool known = sysctlbyname("hw.l3cachesize", &bytes, &size, nullptr, 0) == 0;
  return known && bytes > 0 ? bytes : kUsual;
}

std::string machine_token() {
  std::array<char, 64> session{};
  size_t size = session.size();
  sysctlbyname("kern.bootsessionuuid", session.data(), &size, nullptr, 0);
  return hash_of(session.data());
}

void end_with_parent() {}

int schedulable_cores() { return static_cast<int>(std::thread::hardware_concurrency()); }

timespec modified_time(const struct stat& status) { return status.st_mtimespec; }

int open_uncached(const char* path, int flags) {
  constexpr mode_t kMode = 0666;
  const int file = ::open(path, flags, kMode);
  if (file >= 0) ::fcntl(file, F_NOCACHE, 1);
  return file;
}

bool forget_cached_file(const char* /*path*/) { return false; }

void flush_file_system(const char* /*path*/) { ::sync(); }

int64_t resident_bytes() {
  mach_task_basic_info info = {};
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&info), &count);
  return static_cast<int64_t>(info.resident_size);
}

int64_t peak_resident_bytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

bool reset_peak_resident() { return false; }

void keep_heap_memory() {}
void return_heap_memory() {}

}  // namespace untiled
