#include <sys/mman.h>

#include "lib/core/mirror_pages.h"

namespace untiled {

/// Without a file, whose size a limit of the process (ulimit -f) would bound: of a shared mapping,
/// mremap makes another one where it is told that the old one has no size.
bool mirror_pages(uint8_t* place, size_t bytes) {
  void* first =
      mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (first == MAP_FAILED) return false;
  return mremap(first, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place + bytes) != MAP_FAILED;
}

}  // namespace untiled
