// Decoded tiles of an image file, least recently used first out, bounded in bytes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Level and index of a tile in its level.
using TileKey = std::pair<int, int64_t>;

/// Any thread. The newest tile stays even when it alone is larger than the bound.
class TileCache {
 public:
  explicit TileCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// The tile, decoded if it is not there. Threads that ask for one tile at a time wait for the
  /// first of them, so that a large strip is not decoded once a thread. Throws what `decode`
  /// throws; then the next thread tries.
  std::shared_ptr<const PixelBlock> get(const TileKey& key,
                                        const std::function<PixelBlock()>& decode);
  /// Null when the tile is not there.
  std::shared_ptr<const PixelBlock> peek(const TileKey& key);

 private:
  struct Entry {
    TileKey key;
    std::shared_ptr<const PixelBlock> tile;
  };

  /// Null when the tile is not there.
  std::shared_ptr<const PixelBlock> find(const TileKey& key);
  void insert(const TileKey& key, std::shared_ptr<const PixelBlock> tile);
  /// `tile` is null when it could not be decoded.
  void end_decoding(const TileKey& key, std::shared_ptr<const PixelBlock> tile);

  int64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable decoded_;
  std::set<TileKey> decoding_;
  int64_t bytes_ = 0;
  std::list<Entry> newest_first_;
  std::map<TileKey, std::list<Entry>::iterator> entries_;
};

}  // namespace untiled
