#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/mirror_pages.h"

namespace untiled {

/// Without a file, whose size a limit of the process (ulimit -f) would bound: of a shared mapping,
/// mremap makes another one where it is told that the old one has no size. The system is called
/// past the C library: UCX before 1.14, which comes with many an MPI, puts a function of its own in
/// mremap's place that forgets where the new mapping is to be.
bool mirror_pages(uint8_t* place, size_t bytes) {
  void* first =
      mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (first == MAP_FAILED) return false;
  uint8_t* const second = place + bytes;
  return syscall(SYS_mremap, first, size_t{0}, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, second) ==
         reinterpret_cast<intptr_t>(second);
}

}  // namespace untiled
