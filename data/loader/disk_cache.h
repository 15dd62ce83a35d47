// A cache of decoded pixels in a file without a name.
#pragma once

#include <filesystem>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// See make_cached; `folder` must exist.
std::shared_ptr<const PixelSource> make_disk_cache(std::shared_ptr<const PixelSource> source,
                                                   const std::filesystem::path& folder);

}  // namespace untiled
