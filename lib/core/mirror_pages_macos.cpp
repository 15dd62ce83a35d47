#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "lib/core/mirror_pages.h"

namespace untiled {
namespace {

/// A descriptor of memory without a name, or -1.
int open_memory() {
  static std::atomic<int> count = 0;
  // Names have 31 letters at most.
  const std::string name = "/untiled" + std::to_string(getpid()) + "." + std::to_string(count++);
  const int file = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file >= 0) shm_unlink(name.c_str());
  return file;
}

bool map(int file, uint8_t* place, size_t bytes) {
  return mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
}

}  // namespace

bool mirror_pages(uint8_t* place, size_t bytes) {
  const int file = open_memory();
  if (file < 0) return false;
  const bool is_done = ftruncate(file, static_cast<off_t>(bytes)) == 0 && map(file, place, bytes) &&
                       map(file, place + bytes, bytes);
  close(file);
  return is_done;
}

}  // namespace untiled
