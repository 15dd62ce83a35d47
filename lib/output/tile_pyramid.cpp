#include "lib/output/tile_pyramid.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kStep = 4;
/// Blocks of up to 256 pixels never reach over a tile of 512.
constexpr int64_t kLargestFactor = 256;
/// Of zlib. More effort doubles the time and gains a percent; float32 hardly compresses at all.
constexpr int kFloatEffort = 1;
constexpr int kByteEffort = 3;

Extent reduce(const Extent& extent, int64_t factor) {
  return {ceil_div(extent.rows, factor), ceil_div(extent.cols, factor)};
}

std::vector<int64_t> pyramid_factors(const TiffImage& image) {
  std::vector<int64_t> factors;
  Extent level = image.extent;
  for (int64_t factor = kStep; factor <= kLargestFactor; factor *= kStep) {
    if (image.type != SampleType::kUint8) break;
    if (std::max(level.rows, level.cols) <= image.tile) break;
    level = reduce(image.extent, factor);
    factors.push_back(factor);
  }
  return factors;
}

/// `image` with all its tiles still to come.
TiffImage blank(TiffImage image) {
  image.tile = TilePyramid::kTile;
  image.tiles.assign(
      tiff_tiles(image.extent, image.tile).size() * static_cast<size_t>(image.samples), {});
  return image;
}

TiffImage reduced_image(const TiffImage& full, int64_t factor) {
  TiffImage image = full;
  image.extent = reduce(full.extent, factor);
  image.reduced = true;
  image.description.clear();
  if (image.scale) {
    image.scale->mpp_x *= static_cast<double>(factor);
    image.scale->mpp_y *= static_cast<double>(factor);
  }
  return blank(std::move(image));
}

/// A tile's samples with zeros up to its full size.
std::vector<uint8_t> padded(std::span<const uint8_t> samples, const Extent& extent, size_t bytes) {
  const size_t row_bytes = static_cast<size_t>(extent.cols) * bytes;
  std::vector<uint8_t> tile(static_cast<size_t>(TilePyramid::kTile * TilePyramid::kTile) * bytes,
                            0);
  for (size_t row = 0; row < static_cast<size_t>(extent.rows); ++row) {
    std::copy_n(samples.data() + row * row_bytes, row_bytes,
                tile.data() + row * TilePyramid::kTile * bytes);
  }
  return tile;
}

}  // namespace

bool is_uniform(std::span<const uint8_t> values) {
  return std::equal(values.begin() + 1, values.end(), values.begin());
}

TilePyramid::TilePyramid(const std::filesystem::path& path, TiffImage image,
                         BlockReduction reduction)
    : path_(path),
      file_(path),
      reduction_(std::move(reduction)),
      tiles_(tiff_tiles(image.extent, kTile)),
      image_(blank(std::move(image))) {
  for (const int64_t factor : pyramid_factors(image_)) {
    Level level{reduced_image(image_, factor), factor, {}};
    level.band.resize(static_cast<size_t>(image_.samples * kTile * level.image.extent.cols));
    levels_.push_back(std::move(level));
  }
}

size_t TilePyramid::index_of(const Region& tile) const {
  const int64_t across = ceil_div(image_.extent.cols, kTile);
  const auto index =
      static_cast<size_t>(tile.rows.begin / kTile * across + tile.cols.begin / kTile);
  if (index >= tiles_.size() || tiles_[index] != tile) {
    throw InternalError(
        fmt::format("{}: {} is not one of its tiles", path_.string(), to_string(tile)));
  }
  return index;
}

TilePyramid::EncodedTile TilePyramid::encode(size_t index, std::span<const uint8_t> samples) const {
  const Extent extent = tiles_.at(index).extent();
  const size_t bytes = sample_bytes(image_.type);
  const size_t plane = static_cast<size_t>(extent.area()) * bytes;
  if (samples.size() != plane * static_cast<size_t>(image_.samples)) {
    throw InternalError(
        fmt::format("{}: tile {} has {} bytes", path_.string(), index, samples.size()));
  }
  EncodedTile tile{index, {}, std::vector<std::vector<uint8_t>>(levels_.size())};
  for (size_t first = 0; first < samples.size(); first += plane) {
    const auto values = samples.subspan(first, plane);
    const bool uniform = is_uniform(values);
    tile.planes.push_back(compressed(values, extent, uniform));
    for (size_t level = 0; level < levels_.size(); ++level) {
      append_reduced(values, extent, uniform, levels_[level].factor, tile.reduced[level]);
    }
  }
  return tile;
}

std::vector<uint8_t> TilePyramid::compressed(std::span<const uint8_t> values, const Extent& extent,
                                             bool uniform) const {
  if (image_.type != SampleType::kUint8) {
    return deflate(padded(values, extent, sample_bytes(image_.type)), kFloatEffort);
  }
  if (values.size() != static_cast<size_t>(kTile * kTile) || !uniform) {
    return deflate(padded(values, extent, 1), kByteEffort);
  }
  const std::lock_guard lock(uniform_mutex_);
  std::vector<uint8_t>& tile = uniform_.at(values.front());
  if (tile.empty()) tile = deflate(values, kByteEffort);
  return tile;
}

void TilePyramid::append_reduced(std::span<const uint8_t> values, const Extent& extent,
                                 bool uniform, int64_t factor,
                                 std::vector<uint8_t>& reduced) const {
  if (uniform) {
    reduced.resize(reduced.size() + static_cast<size_t>(reduce(extent, factor).area()),
                   values.front());
    return;
  }
  for (const Region& block : tile_grid(extent, {factor, factor})) {
    reduced.push_back(reduction_(values.data(), extent, block));
  }
}

void TilePyramid::write(EncodedTile tile) {
  if (tile.index != next_ || next_ >= tiles_.size()) {
    throw InternalError(
        fmt::format("{}: tile {} came where {} was due", path_.string(), tile.index, next_));
  }
  for (size_t plane = 0; plane < tile.planes.size(); ++plane) {
    image_.tiles[plane * tiles_.size() + tile.index] = file_.append(tile.planes[plane]);
  }
  for (size_t level = 0; level < levels_.size(); ++level) {
    keep(levels_[level], tiles_[tile.index], tile.reduced[level]);
  }
  ++next_;
}

void TilePyramid::finish(TiffLevels levels) {
  if (next_ != tiles_.size()) {
    throw InternalError(
        fmt::format("{}: {} of {} tiles were written", path_.string(), next_, tiles_.size()));
  }
  std::vector<TiffImage> images = {image_};
  for (const Level& level : levels_) images.push_back(level.image);
  file_.finish(images, levels);
}

void TilePyramid::keep(Level& level, const Region& tile, std::span<const uint8_t> values) {
  const Extent part = reduce(tile.extent(), level.factor);
  const int64_t row_begin = tile.rows.begin / level.factor;
  const int64_t col_begin = tile.cols.begin / level.factor;
  const uint8_t* from = values.data();
  for (int plane = 0; plane < image_.samples; ++plane) {
    for (int64_t row = 0; row < part.rows; ++row, from += part.cols) {
      std::copy_n(from, part.cols, band_row(level, plane, row_begin + row) + col_begin);
    }
  }
  const int64_t row_end = row_begin + part.rows;
  const bool row_is_complete = tile.cols.end == image_.extent.cols;
  const bool band_is_complete = row_end % kTile == 0 || row_end == level.image.extent.rows;
  if (row_is_complete && band_is_complete) write_band(level, (row_end - 1) / kTile);
}

void TilePyramid::write_band(Level& level, int64_t band) {
  const auto tiles = tiff_tiles(level.image.extent, kTile);
  const int64_t across = ceil_div(level.image.extent.cols, kTile);
  for (int64_t index = band * across; index < (band + 1) * across; ++index) {
    const Region& tile = tiles[static_cast<size_t>(index)];
    for (int plane = 0; plane < image_.samples; ++plane) {
      std::vector<uint8_t> pixels(static_cast<size_t>(kTile * kTile), 0);
      for (int64_t row = 0; row < tile.rows.size(); ++row) {
        std::copy_n(band_row(level, plane, row) + tile.cols.begin, tile.cols.size(),
                    pixels.data() + row * kTile);
      }
      const size_t place = static_cast<size_t>(plane) * tiles.size() + static_cast<size_t>(index);
      level.image.tiles[place] = file_.append(deflate(pixels, kByteEffort));
    }
  }
}

/// Where row `row` of a reduced level is held.
uint8_t* TilePyramid::band_row(Level& level, int plane, int64_t row) const {
  return level.band.data() + (plane * kTile + row % kTile) * level.image.extent.cols;
}

}  // namespace untiled
