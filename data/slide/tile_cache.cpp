#include "data/slide/tile_cache.h"

namespace untiled {

std::shared_ptr<const PixelBlock> TileCache::get(const TileKey& key,
                                                 const std::function<PixelBlock()>& decode) {
  {
    std::unique_lock lock(mutex_);
    decoded_.wait(lock, [&] { return !decoding_.contains(key); });
    if (auto tile = find(key)) return tile;
    decoding_.insert(key);
  }
  std::shared_ptr<const PixelBlock> tile;
  try {
    tile = std::make_shared<const PixelBlock>(decode());
  } catch (...) {
    end_decoding(key, nullptr);
    throw;
  }
  end_decoding(key, tile);
  return tile;
}

std::shared_ptr<const PixelBlock> TileCache::peek(const TileKey& key) {
  const std::lock_guard lock(mutex_);
  return find(key);
}

void TileCache::end_decoding(const TileKey& key, std::shared_ptr<const PixelBlock> tile) {
  const std::lock_guard lock(mutex_);
  decoding_.erase(key);
  decoded_.notify_all();
  if (tile) insert(key, std::move(tile));
}

std::shared_ptr<const PixelBlock> TileCache::find(const TileKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
  return found->second->tile;
}

void TileCache::insert(const TileKey& key, std::shared_ptr<const PixelBlock> tile) {
  bytes_ += static_cast<int64_t>(tile->size_bytes());
  newest_first_.push_front({key, std::move(tile)});
  entries_[key] = newest_first_.begin();
  while (bytes_ > max_bytes_ && newest_first_.size() > 1) {
    const Entry& oldest = newest_first_.back();
    bytes_ -= static_cast<int64_t>(oldest.tile->size_bytes());
    entries_.erase(oldest.key);
    newest_first_.pop_back();
  }
}

}  // namespace untiled
