#include "data/slide/tile_cache.h"

namespace untiled {

std::shared_ptr<const RgbTile> TileCache::find(const TileKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
  return found->second->tile;
}

void TileCache::insert(const TileKey& key, std::shared_ptr<const RgbTile> tile) {
  const std::lock_guard lock(mutex_);
  if (entries_.contains(key)) return;
  bytes_ += tile->size_bytes();
  newest_first_.push_front({key, std::move(tile)});
  entries_[key] = newest_first_.begin();
  while (bytes_ > max_bytes_ && newest_first_.size() > 1) {
    const Entry& oldest = newest_first_.back();
    bytes_ -= oldest.tile->size_bytes();
    entries_.erase(oldest.key);
    newest_first_.pop_back();
  }
}

}  // namespace untiled
