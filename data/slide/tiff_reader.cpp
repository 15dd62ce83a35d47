#include "data/slide/tiff_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/slide/block_decoder.h"
#include "data/slide/orientation.h"
#include "data/slide/tiled_reader.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

class TiffTiles : public TileDecoder {
 public:
  TiffTiles(const SlideInfo& info, std::vector<TiffLevel> levels)
      : path_(info.path), levels_(std::move(levels)), decoder_(info.path, info.background) {}

  int64_t tile_cols(int level) const override {
    return levels_[static_cast<size_t>(level)].first().tile_cols();
  }

  PixelBlock decode(const TileKey& key) const override {
    PixelBlock tile;
    named(key, [&](const TiffLevel& level) { tile = decoder_.decode(level, key.second); });
    return tile;
  }

  void decode_into(const TileKey& key, const PixelTarget& onto) const override {
    named(key, [&](const TiffLevel& level) { decoder_.decode_into(level, key.second, onto); });
  }

  StoredTile stored(const TileKey& key) const override {
    StoredTile tile;
    named(key, [&](const TiffLevel& level) { tile = decoder_.stored(level, key.second); });
    tile.path = path_;
    return tile;
  }

 private:
  /// Whatever fails names the file, the place and the level.
  template <typename Decode>
  void named(const TileKey& key, const Decode& decode) const {
    const TiffLevel& source = levels_[static_cast<size_t>(key.first)];
    try {
      decode(source);
    } catch (const DataError& error) {
      const Region region = block_region(source.first(), key.second);
      throw DataError(fmt::format(
          "{} is damaged: {} of level {} cannot be decoded ({}); copy it again", path_.string(),
          to_string(clip(region, source.extent())), key.first, error.what()));
    }
  }

  std::filesystem::path path_;
  std::vector<TiffLevel> levels_;
  BlockDecoder decoder_;
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
  auto tiles = std::make_unique<const TiffTiles>(info, std::move(levels));
  return upright(make_tiled_reader(std::move(info), std::move(tiles), options.cache_bytes),
                 orientation);
}

std::shared_ptr<const SlideReader> open_tiff_slide(const std::filesystem::path& path,
                                                   const OpenOptions& options) {
  TiffPyramid pyramid = choose_pyramid(path, read_tiff_file(path));
  SlideInfo info = describe(path, pyramid);
  return make_tiff_reader(std::move(info), std::move(pyramid.levels), options);
}

}  // namespace untiled
