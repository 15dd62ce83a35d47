#include "lib/core/mirrored_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "lib/core/mirror_pages.h"

namespace untiled {

int64_t MirroredMemory::granularity() { return sysconf(_SC_PAGESIZE); }

MirroredMemory::MirroredMemory(int64_t bytes) : bytes_(bytes) {
  const auto size = static_cast<size_t>(bytes);
  // Both views take the place of one reservation: nothing else can come between them.
  void* place = mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<uint8_t*>(place);
  if (mirror_pages(data_, size)) return;
  munmap(place, 2 * size);
  throw std::bad_alloc();
}

void MirroredMemory::rest() const {
  // The memory is shared with the first view: only the mapping of its pages goes.
  const auto size = static_cast<size_t>(bytes_);
  madvise(data_ + size, size, MADV_DONTNEED);
}

MirroredMemory::~MirroredMemory() { munmap(data_, 2 * static_cast<size_t>(bytes_)); }

}  // namespace untiled
