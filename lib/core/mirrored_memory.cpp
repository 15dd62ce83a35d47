#include "lib/core/mirrored_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

#include "lib/core/shared_memory_file.h"

namespace untiled {

int64_t MirroredMemory::granularity() { return sysconf(_SC_PAGESIZE); }

MirroredMemory::MirroredMemory(int64_t bytes) : bytes_(bytes) {
  const auto size = static_cast<size_t>(bytes);
  const int file = open_shared_memory();
  if (file < 0) throw std::bad_alloc();
  // Both views take the place of one reservation: nothing else can come between them.
  void* place = MAP_FAILED;
  if (ftruncate(file, bytes) == 0) {
    place = mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  bool is_mapped = place != MAP_FAILED;
  for (const size_t offset : {size_t{0}, size}) {
    if (!is_mapped) break;
    is_mapped = mmap(static_cast<uint8_t*>(place) + offset, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
  }
  close(file);
  if (!is_mapped) {
    if (place != MAP_FAILED) munmap(place, 2 * size);
    throw std::bad_alloc();
  }
  data_ = static_cast<uint8_t*>(place);
}

MirroredMemory::~MirroredMemory() { munmap(data_, 2 * static_cast<size_t>(bytes_)); }

}  // namespace untiled
