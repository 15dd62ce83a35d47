#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "lib/core/shared_memory_file.h"

namespace untiled {

int open_shared_memory() {
  static std::atomic<int> count = 0;
  // macOS takes names of 31 letters at most.
  const std::string name = "/untiled" + std::to_string(getpid()) + "." + std::to_string(count++);
  const int file = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file >= 0) shm_unlink(name.c_str());
  return file;
}

}  // namespace untiled
