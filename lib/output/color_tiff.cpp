#include "lib/output/color_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/core/error.h"
#include "lib/output/ome_xml.h"
#include "lib/zarr/reduce.h"

namespace untiled {
namespace {

constexpr int kChannels = 3;
constexpr int kEffort = 1;

Extent half(const Extent& extent) { return {ceil_div(extent.rows, 2), ceil_div(extent.cols, 2)}; }

std::vector<Extent> level_extents(const ColorTiffOptions& options) {
  std::vector<Extent> extents = {options.extent};
  while (std::max(extents.back().rows, extents.back().cols) > options.tile) {
    extents.push_back(half(extents.back()));
  }
  return extents;
}

TiffImage image_of(const ColorTiffOptions& options, const Extent& extent, size_t level) {
  TiffImage image;
  image.extent = extent;
  image.tile = options.tile;
  image.samples = kChannels;
  image.type = options.type;
  image.coding = options.compressed ? TileCoding::kRgbDeflate : TileCoding::kRgb;
  image.reduced = level > 0;
  image.scale = options.scale;
  if (image.scale) {
    image.scale->mpp_x *= static_cast<double>(int64_t{1} << level);
    image.scale->mpp_y *= static_cast<double>(int64_t{1} << level);
  }
  if (level == 0 && options.kind == ColorTiffKind::kOme) {
    image.description =
        color_ome_xml({extent, options.type == SampleType::kFloat32, options.scale}, options.name);
  }
  image.tiles.resize(tiff_tiles(extent, options.tile).size());
  return image;
}

int64_t pixel_bytes(SampleType type) {
  return static_cast<int64_t>(sample_bytes(type)) * kChannels;
}

/// The part of a tile of an image that lies inside it.
Extent inside(const TiffImage& image, int64_t row, int64_t col) {
  return {std::min(image.tile, image.extent.rows - row * image.tile),
          std::min(image.tile, image.extent.cols - col * image.tile)};
}

}  // namespace

ColorTiff::ColorTiff(const std::filesystem::path& path, ColorTiffOptions options)
    : options_(std::move(options)), file_(path) {
  const std::vector<Extent> extents = level_extents(options_);
  for (size_t level = 0; level < extents.size(); ++level) {
    levels_.push_back({image_of(options_, extents[level], level), -1, {}});
  }
}

int64_t ColorTiff::held_bytes(const ColorTiffOptions& options) {
  const std::vector<Extent> levels = level_extents(options);
  int64_t tiles = 0;
  for (size_t i = 1; i < levels.size(); ++i) tiles += ceil_div(levels[i].cols, options.tile);
  return tiles * options.tile * options.tile * pixel_bytes(options.type);
}

int64_t ColorTiff::tiles_across(size_t level) const {
  return ceil_div(levels_[level].image.extent.cols, options_.tile);
}

ColorTiff::Pixels ColorTiff::encoded(std::span<const uint8_t> pixels) const {
  if (options_.compressed) return deflate(pixels, kEffort);
  return {pixels.begin(), pixels.end()};
}

/// A quarter of a tile, without padding.
ColorTiff::Pixels ColorTiff::halved(const Extent& extent, std::span<const uint8_t> pixels) const {
  const int64_t bytes = pixel_bytes(options_.type);
  const Extent small = half(extent);
  Pixels quarter(static_cast<size_t>(small.area() * bytes));
  const DataType type = options_.type == SampleType::kUint8 ? DataType::kUint8 : DataType::kFloat32;
  reduce_by_mean({pixels.data(), options_.tile * bytes, extent}, type, kChannels, quarter.data(),
                 small.cols * bytes);
  return quarter;
}

void ColorTiff::write_tile(const Region& tile, std::span<const uint8_t> pixels) {
  Waiting ready{tile, encoded(pixels), {}};
  if (levels_.size() > 1) ready.halved = halved(tile.extent(), pixels);
  const int64_t place =
      tile.rows.begin / options_.tile * tiles_across(0) + tile.cols.begin / options_.tile;
  const std::lock_guard lock(mutex_);
  if (broken_) return;  // Whoever could not write says why.
  waiting_.emplace(place, std::move(ready));
  broken_ = true;
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
       first = waiting_.begin()) {
    append(std::move(first->second));
    waiting_.erase(first);
    ++next_;
  }
  broken_ = false;
}

void ColorTiff::append(Waiting tile) {
  levels_[0].image.tiles[static_cast<size_t>(next_)] = file_.append(tile.encoded);
  if (levels_.size() > 1) {
    collect(1, tile.tile.rows.begin / options_.tile, tile.tile.cols.begin / options_.tile,
            tile.halved);
  }
}

/// `row` and `col` are those of the tile below that `quarter` was made of.
void ColorTiff::collect(size_t level, int64_t row, int64_t col, const Pixels& quarter) {
  Level& onto = levels_[level];
  const int64_t bytes = pixel_bytes(options_.type);
  if (onto.row != row / 2) {
    onto.row = row / 2;
    const auto size = static_cast<size_t>(options_.tile * options_.tile * bytes);
    onto.tiles.assign(static_cast<size_t>(tiles_across(level)), Pixels(size, 0));
  }
  const Extent small = half(inside(levels_[level - 1].image, row, col));
  const int64_t top = row % 2 * (options_.tile / 2);
  const int64_t left = col % 2 * (options_.tile / 2);
  Pixels& tile = onto.tiles[static_cast<size_t>(col / 2)];
  for (int64_t r = 0; r < small.rows; ++r) {
    std::memcpy(tile.data() + ((top + r) * options_.tile + left) * bytes,
                quarter.data() + r * small.cols * bytes, static_cast<size_t>(small.cols * bytes));
  }
  const Extent below = levels_[level - 1].image.extent;
  const bool is_last_col = col + 1 == tiles_across(level - 1);
  const bool is_last_row = row % 2 == 1 || (row + 1) * options_.tile >= below.rows;
  if (is_last_col && is_last_row) write_row(level);
}

void ColorTiff::write_row(size_t level) {
  Level& full = levels_[level];
  for (int64_t col = 0; col < tiles_across(level); ++col) {
    const Pixels& tile = full.tiles[static_cast<size_t>(col)];
    const auto place = static_cast<size_t>(full.row * tiles_across(level) + col);
    full.image.tiles[place] = file_.append(encoded(tile));
    if (level + 1 < levels_.size()) {
      collect(level + 1, full.row, col, halved(inside(full.image, full.row, col), tile));
    }
  }
}

void ColorTiff::finish() {
  std::vector<TiffImage> images;
  for (const Level& level : levels_) images.push_back(level.image);
  file_.finish(images,
               options_.kind == ColorTiffKind::kOme ? TiffLevels::kSubIfds : TiffLevels::kChain);
}

}  // namespace untiled
