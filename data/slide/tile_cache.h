// Decoded tiles of a slide, least recently used first out, bounded in bytes.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// A decoded tile: RGB, rows x cols x 3. `missing` as in PixelBlock.
struct RgbTile {
  Extent extent;
  Bytes rgb;
  Bytes missing;

  int64_t size_bytes() const { return static_cast<int64_t>(rgb.size() + missing.size()); }
};

/// Level and index of a tile in its level.
using TileKey = std::pair<int, int64_t>;

/// Any thread. The newest tile stays even when it alone is larger than the bound.
class TileCache {
 public:
  explicit TileCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when the tile is not there.
  std::shared_ptr<const RgbTile> find(const TileKey& key);
  void insert(const TileKey& key, std::shared_ptr<const RgbTile> tile);

 private:
  struct Entry {
    TileKey key;
    std::shared_ptr<const RgbTile> tile;
  };

  int64_t max_bytes_;
  std::mutex mutex_;
  int64_t bytes_ = 0;
  std::list<Entry> newest_first_;
  std::map<TileKey, std::list<Entry>::iterator> entries_;
};

}  // namespace untiled
