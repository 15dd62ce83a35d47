// A cache of decoded pixels in memory.
#pragma once

#include <cstdint>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// See make_cached. Regions whose blocks are all kept are viewed without a copy. Address space is
/// taken for the whole slide, memory for what was touched, rounded up to the system's pages.
std::shared_ptr<const PixelSource> make_ram_cache(std::shared_ptr<const PixelSource> source,
                                                  int64_t budget_bytes);

}  // namespace untiled
