// The same pages seen twice: each system has its own way to that.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

/// Maps `bytes` of new memory at `place` and the same once more behind it, in place of what is
/// reserved there. Whether that could be done.
bool mirror_pages(uint8_t* place, size_t bytes);

}  // namespace untiled
