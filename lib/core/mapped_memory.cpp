#include "lib/core/mapped_memory.h"

#include <sys/mman.h>
#include <unistd.h>

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

void MappedMemory::touch([[maybe_unused]] int64_t begin, [[maybe_unused]] int64_t end) {
#ifdef MADV_POPULATE_WRITE
  // A system that cannot do this takes the pages as they are written.
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t first = begin / page * page;
  madvise(data_ + first, static_cast<size_t>(end - first), MADV_POPULATE_WRITE);
#endif
}

void MappedMemory::release(int64_t begin, int64_t end) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t first = (begin + page - 1) / page * page;
  const int64_t last = end / page * page;
  if (first >= last) return;
  was_released_ = true;
#ifdef __linux__
  madvise(data_ + first, static_cast<size_t>(last - first), MADV_DONTNEED);
#else
  // Elsewhere that is only a hint: new pages take the place of these.
  mmap(data_ + first, static_cast<size_t>(last - first), PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
#endif
}

// A system does not care how much of a mapping is given back at a time, nor in how many calls it
// was made.

std::unique_ptr<MappedMemory> MappedMemory::split(int64_t begin) {
  std::unique_ptr<MappedMemory> rest(new MappedMemory());
  rest->data_ = data_ + begin;
  rest->bytes_ = bytes_ - begin;
  rest->is_fresh_ = is_fresh_;
  rest->was_released_ = was_released_;
  bytes_ = begin;
  return rest;
}

bool MappedMemory::join(MappedMemory& next) {
  if (next.data_ != data_ + bytes_) return false;
  bytes_ += next.bytes_;
  is_fresh_ = is_fresh_ && next.is_fresh_;
  was_released_ = was_released_ || next.was_released_;
  next.data_ = nullptr;
  next.bytes_ = 0;
  return true;
}

MappedMemory::~MappedMemory() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(bytes_));
}

}  // namespace untiled
