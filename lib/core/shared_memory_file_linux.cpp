#include <sys/mman.h>

#include "lib/core/shared_memory_file.h"

namespace untiled {

int open_shared_memory() { return memfd_create("untiled", MFD_CLOEXEC); }

}  // namespace untiled
