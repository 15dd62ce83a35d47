#include "data/slide/tiff_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/slide/block_decoder.h"
#include "data/slide/orientation.h"
#include "data/slide/samples.h"
#include "data/slide/tile_cache.h"
#include "lib/core/error.h"

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

class TiffReader : public SlideReader {
 public:
  TiffReader(SlideInfo info, std::vector<TiffLevel> levels, int64_t cache_bytes)
      : SlideReader(std::move(info)),
        levels_(std::move(levels)),
        decoder_(this->info().path, this->info().background),
        cache_(cache_bytes) {}

 private:
  PixelBlock read_pixels(int level, const Region& region) const override {
    PixelBlock block = empty_block(region);
    read_pixels_into(level, region, target_of(block));
    drop_empty_mask(block);
    return block;
  }

  void read_pixels_into(int level, const Region& region, const PixelTarget& target) const override {
    const TiffLevel& source = levels_[static_cast<size_t>(level)];
    const TiffDirectory& directory = source.first();
    const Extent& tile = directory.tile;
    const TileSpan tiles = tiles_of(region, tile);
    const bool aligned = is_aligned(region, tile, source.extent());
    for (int64_t row = tiles.rows.begin; row < tiles.rows.end; ++row) {
      for (int64_t col = tiles.cols.begin; col < tiles.cols.end; ++col) {
        const TileKey key = {level, row * directory.tile_cols() + col};
        const bool inside = tiles.rows.begin < row && row + 1 < tiles.rows.end &&
                            tiles.cols.begin < col && col + 1 < tiles.cols.end;
        if (aligned || inside) {
          put(key, target);
        } else {
          copy_overlap(*kept(key), target);
        }
      }
    }
  }

  /// A tile that no overlapping region will ask for is decoded to its place and not kept.
  void put(const TileKey& key, const PixelTarget& target) const {
    if (const auto tile = cache_.peek(key)) return copy_overlap(*tile, target);
    const TiffLevel& level = levels_[static_cast<size_t>(key.first)];
    named(key, [&] { decoder_.decode_into(level, key.second, target); });
  }

  std::shared_ptr<const PixelBlock> kept(const TileKey& key) const {
    const TiffLevel& level = levels_[static_cast<size_t>(key.first)];
    return cache_.get(key, [&] {
      PixelBlock tile;
      named(key, [&] { tile = decoder_.decode(level, key.second); });
      return tile;
    });
  }

  /// Whatever fails names the file, the place and the level.
  template <typename Decode>
  void named(const TileKey& key, const Decode& decode) const {
    const TiffLevel& source = levels_[static_cast<size_t>(key.first)];
    try {
      decode();
    } catch (const DataError& error) {
      const Region region = block_region(source.first(), key.second);
      throw DataError(fmt::format(
          "{} is damaged: {} of level {} cannot be decoded ({}); copy it again",
          info().path.string(), to_string(clip(region, source.extent())), key.first, error.what()));
    }
  }

  std::vector<TiffLevel> levels_;
  BlockDecoder decoder_;
  mutable TileCache cache_;
};

int64_t largest_block_bytes(const std::vector<TiffLevel>& levels) {
  int64_t largest = 0;
  for (const TiffLevel& level : levels) {
    const TiffDirectory& first = level.first();
    const int64_t marks = first.has_alpha || first.has_missing_blocks() ? 1 : 0;
    largest = std::max(largest, first.tile.area() * (3 + marks));
  }
  return largest;
}

int64_t index_bytes(const std::vector<TiffLevel>& levels) {
  size_t blocks = 0;
  for (const TiffLevel& level : levels) {
    for (const TiffDirectory& plane : level.planes) blocks += plane.blocks.size();
  }
  return static_cast<int64_t>(blocks * sizeof(TiffBlock));
}

void require_sound_level(const SlideInfo& info, const TiffLevel& level, int index,
                         const OpenOptions& options) {
  for (const TiffDirectory& plane : level.planes) {
    require_whole_blocks(info.path, plane, index);
    const size_t channels = plane.separate_planes ? plane.samples : 1;
    const auto expected = static_cast<size_t>(plane.tile_rows() * plane.tile_cols()) * channels;
    if (plane.blocks.size() != expected || plane.tile != level.first().tile) {
      throw DataError(fmt::format("{} is a damaged TIFF: level {} lists {} tiles where {} belong",
                                  info.path.string(), index, plane.blocks.size(), expected));
    }
    if (plane.tile.area() > options.max_image_pixels) {
      throw DataError(fmt::format(
          "{} would have to be decoded {} pixels at a time, beyond the limit of {}: convert it to "
          "a tiled pyramidal TIFF",
          info.path.string(), plane.tile.area(), options.max_image_pixels));
    }
  }
}

SlideInfo describe(const std::filesystem::path& path, const TiffPyramid& pyramid) {
  SlideInfo info;
  info.path = path;
  info.vendor = pyramid.has_ome ? "ome-tiff" : "tiff";
  describe_pyramid(pyramid, info);
  if (pyramid.ome) info.objective_power = pyramid.ome->objective_power;
  info.properties = pyramid.levels.front().first().properties;
  info.files = {path};
  return info;
}

}  // namespace

std::shared_ptr<const SlideReader> make_tiff_reader(SlideInfo info, std::vector<TiffLevel> levels,
                                                    const OpenOptions& options) {
  for (size_t i = 0; i < levels.size(); ++i) {
    require_sound_level(info, levels[i], static_cast<int>(i), options);
  }
  info.backend = "tiff";
  info.held_bytes =
      std::max(options.cache_bytes, largest_block_bytes(levels)) + index_bytes(levels);
  const int orientation = levels.front().first().orientation;
  return upright(
      std::make_shared<TiffReader>(std::move(info), std::move(levels), options.cache_bytes),
      orientation);
}

std::shared_ptr<const SlideReader> open_tiff_slide(const std::filesystem::path& path,
                                                   const OpenOptions& options) {
  TiffPyramid pyramid = choose_pyramid(path, read_tiff_file(path));
  SlideInfo info = describe(path, pyramid);
  return make_tiff_reader(std::move(info), std::move(pyramid.levels), options);
}

}  // namespace untiled
