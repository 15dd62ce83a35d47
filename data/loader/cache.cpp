#include "data/loader/cache.h"

#include <mutex>
#include <utility>

#include "data/loader/block_grid.h"
#include "data/loader/disk_cache.h"
#include "data/loader/ram_cache.h"
#include "lib/core/error.h"

namespace untiled {

std::shared_ptr<const PixelSource> make_cached(std::shared_ptr<const PixelSource> source,
                                               CacheMode mode, const CacheOptions& options) {
  switch (mode) {
    case CacheMode::kNone:
      return source;
    case CacheMode::kRam:
      return make_ram_cache(std::move(source), options.budget_bytes);
    case CacheMode::kDisk:
      if (options.scratch.empty()) {
        throw ConfigError("data.cache: disk needs a folder to write to; set run.scratch");
      }
      return make_disk_cache(std::move(source), options.scratch);
    case CacheMode::kAuto:
      break;
  }
  throw InternalError("data.cache: auto was not resolved before the cache was made");
}

CacheFootprint cache_footprint(CacheMode mode, const Extent& extent, int channels) {
  const int64_t blocks = static_cast<int64_t>(BlockGrid(extent, kCacheBlockSide).count());
  const int64_t pixels = extent.area() * channels;
  const int64_t book_keeping =
      blocks * static_cast<int64_t>(sizeof(std::mutex) + 2 * sizeof(PixelBlock));
  if (mode == CacheMode::kRam) return {pixels + book_keeping, 0};
  if (mode == CacheMode::kDisk) return {book_keeping, pixels};
  return {};
}

}  // namespace untiled
