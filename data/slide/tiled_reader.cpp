#include "data/slide/tiled_reader.h"

#include <utility>

#include "data/slide/samples.h"

namespace untiled {
namespace {

/// Tile rows and columns that a region touches.
struct TileSpan {
  Interval rows;
  Interval cols;
};

TileSpan tiles_of(const Region& region, const Extent& tile) {
  return {{region.rows.begin / tile.rows, ceil_div(region.rows.end, tile.rows)},
          {region.cols.begin / tile.cols, ceil_div(region.cols.end, tile.cols)}};
}

/// Whether a region is made of whole tiles. Readers of such regions seldom come back for a tile;
/// those with halos do, for the tiles along a region's border.
bool is_aligned(const Region& region, const Extent& tile, const Extent& image) {
  const auto ends = [](int64_t end, int64_t side, int64_t size) {
    return end % side == 0 || end == size;
  };
  return region.rows.begin % tile.rows == 0 && region.cols.begin % tile.cols == 0 &&
         ends(region.rows.end, tile.rows, image.rows) &&
         ends(region.cols.end, tile.cols, image.cols);
}

class TiledReader : public SlideReader {
 public:
  TiledReader(SlideInfo info, std::unique_ptr<const TileDecoder> decoder, int64_t cache_bytes)
      : SlideReader(std::move(info)), decoder_(std::move(decoder)), cache_(cache_bytes) {}

 private:
  PixelBlock read_pixels(int level, const Region& region) const override {
    PixelBlock block = empty_block(region);
    read_pixels_into(level, region, target_of(block));
    drop_empty_mask(block);
    return block;
  }

  void read_pixels_into(int level, const Region& region, const PixelTarget& target) const override {
    const LevelInfo& source = info().levels[static_cast<size_t>(level)];
    const int64_t tile_cols = decoder_->tile_cols(level);
    const TileSpan tiles = tiles_of(region, source.tile);
    const bool aligned = is_aligned(region, source.tile, source.extent);
    for (int64_t row = tiles.rows.begin; row < tiles.rows.end; ++row) {
      for (int64_t col = tiles.cols.begin; col < tiles.cols.end; ++col) {
        const TileKey key = {level, row * tile_cols + col};
        const bool inside = tiles.rows.begin < row && row + 1 < tiles.rows.end &&
                            tiles.cols.begin < col && col + 1 < tiles.cols.end;
        if (aligned || inside) {
          put(key, target);
        } else {
          copy_overlap(*cache_.get(key, [&] { return decoder_->decode(key); }), target);
        }
      }
    }
  }

  StoredTile find_stored_tile(int level, const Region& region) const override {
    const TileSpan tiles = tiles_of(region, info().levels[static_cast<size_t>(level)].tile);
    if (tiles.rows.size() != 1 || tiles.cols.size() != 1) return {};
    return decoder_->stored(
        {level, tiles.rows.begin * decoder_->tile_cols(level) + tiles.cols.begin});
  }

  /// A tile that no overlapping region will ask for is decoded to its place and not kept.
  void put(const TileKey& key, const PixelTarget& target) const {
    if (const auto tile = cache_.peek(key)) return copy_overlap(*tile, target);
    decoder_->decode_into(key, target);
  }

  std::unique_ptr<const TileDecoder> decoder_;
  mutable TileCache cache_;
};

}  // namespace

std::shared_ptr<const SlideReader> make_tiled_reader(SlideInfo info,
                                                     std::unique_ptr<const TileDecoder> decoder,
                                                     int64_t cache_bytes) {
  return std::make_shared<TiledReader>(std::move(info), std::move(decoder), cache_bytes);
}

}  // namespace untiled
