#include "lib/core/mapped_memory.h"

#include <sys/mman.h>

#include <new>

namespace untiled {

MappedMemory::MappedMemory(int64_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  // Without a reservation: an image may be larger than memory as long as it is not all touched.
  void* pages = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<uint8_t*>(pages);
#ifdef MADV_HUGEPAGE
  madvise(pages, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
}

void MappedMemory::touch() {
#ifdef MADV_POPULATE_WRITE
  // A system that cannot do this takes the pages as they are written.
  if (data_ != nullptr) madvise(data_, static_cast<size_t>(bytes_), MADV_POPULATE_WRITE);
#endif
}

MappedMemory::~MappedMemory() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(bytes_));
}

}  // namespace untiled
