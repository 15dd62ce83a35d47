// Slides whose levels are grids of tiles, whatever the format that holds them.
#pragma once

#include <cstdint>
#include <memory>

#include "data/slide/reader.h"
#include "data/slide/tile_cache.h"

namespace untiled {

/// Decodes the tiles of a file. Any thread. Whatever fails is a DataError of one whole sentence.
class TileDecoder {
 public:
  TileDecoder() = default;
  virtual ~TileDecoder() = default;
  TileDecoder(const TileDecoder&) = delete;
  TileDecoder& operator=(const TileDecoder&) = delete;

  /// Tiles along a level's columns; a tile's index counts them row by row.
  virtual int64_t tile_cols(int level) const = 0;
  /// A tile at its place in the level; it may reach beyond the level's edge.
  virtual PixelBlock decode(const TileKey& key) const = 0;
  /// The same pixels, as far as the level reaches, into the place that they have in `onto`, which
  /// must hold them all.
  virtual void decode_into(const TileKey& key, const PixelTarget& onto) const = 0;
  /// The tile undecoded, where that makes sense; its region is of all pixels that it holds.
  virtual StoredTile stored(const TileKey& /*key*/) const { return {}; }
};

/// Each level of `info` says its tile. Decoded tiles that a region cuts are kept, `cache_bytes` of
/// them; others are decoded to their place.
std::shared_ptr<const SlideReader> make_tiled_reader(SlideInfo info,
                                                     std::unique_ptr<const TileDecoder> decoder,
                                                     int64_t cache_bytes);

}  // namespace untiled
