// Caches that keep decoded pixels, so that a slide is decoded once per run (data.cache).
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>

#include "data/loader/loader_settings.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// Pixels a side of the aligned squares that caches decode and keep; never one buffer a slide.
inline constexpr int64_t kCacheBlockSide = 1024;

struct CacheOptions {
  std::filesystem::path scratch;  ///< Folder of a disk cache (run.scratch).
  /// Bytes that a ram cache may keep; blocks beyond them are decoded at each read.
  int64_t budget_bytes = std::numeric_limits<int64_t>::max();
};

/// `source` behind a cache that fills on first touch and gives the source's bytes and missing
/// marks, bit for bit. A block is decoded once, also when several threads want it at the same
/// moment; a block that could not be read is tried again. `kNone` gives back `source`; `kAuto` is
/// to be resolved before. A disk cache is one nameless file in the scratch
/// folder, which goes with the cache or the process; a full disk is a DataError, a missing folder
/// in the options a ConfigError.
std::shared_ptr<const PixelSource> make_cached(std::shared_ptr<const PixelSource> source,
                                               CacheMode mode, const CacheOptions& options);

/// What a cache of a slide without missing pixels holds once every block was touched. Marks add a
/// byte a pixel in blocks that have missing pixels.
struct CacheFootprint {
  int64_t resident_bytes = 0;
  int64_t disk_bytes = 0;
};
CacheFootprint cache_footprint(CacheMode mode, const Extent& extent, int channels);

}  // namespace untiled
