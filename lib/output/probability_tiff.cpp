#include "lib/output/probability_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kStep = 4;
/// Means over up to 256 pixels never reach over a tile of 512.
constexpr int64_t kLargestFactor = 256;
/// Of zlib. More effort doubles the time and gains a percent; float32 hardly compresses at all.
constexpr int kFloatEffort = 1;
constexpr int kByteEffort = 3;

Extent reduce(const Extent& extent, int64_t factor) {
  return {ceil_div(extent.rows, factor), ceil_div(extent.cols, factor)};
}

std::vector<int64_t> pyramid_factors(const Extent& extent, int64_t tile) {
  std::vector<int64_t> factors;
  Extent level = extent;
  for (int64_t factor = kStep; factor <= kLargestFactor; factor *= kStep) {
    if (std::max(level.rows, level.cols) <= tile) break;
    level = reduce(extent, factor);
    factors.push_back(factor);
  }
  return factors;
}

OutputScale times(const OutputScale& scale, int64_t factor) {
  const auto f = static_cast<double>(factor);
  return {scale.mpp_x * f, scale.mpp_y * f};
}

TiffImage blank_image(const ProbabilityTiffOptions& options, int64_t factor) {
  TiffImage image;
  image.extent = reduce(options.extent, factor);
  image.tile = ProbabilityTiff::kTile;
  image.samples = options.classes;
  image.type = options.type;
  image.reduced = factor > 1;
  if (options.scale) image.scale = times(*options.scale, factor);
  image.tiles.resize(tiff_tiles(image.extent, image.tile).size() *
                     static_cast<size_t>(options.classes));
  return image;
}

/// The rounded mean of one block of a tile's bytes; blocks at the edge are cut.
uint8_t block_mean(const uint8_t* bytes, const Extent& tile, const Region& block) {
  int64_t sum = 0;
  for (int64_t row = block.rows.begin; row < block.rows.end; ++row) {
    const uint8_t* first = bytes + row * tile.cols;
    for (int64_t col = block.cols.begin; col < block.cols.end; ++col) sum += first[col];
  }
  const int64_t count = block.area();
  return static_cast<uint8_t>((sum + count / 2) / count);
}

void append_block_means(const uint8_t* bytes, const Extent& tile, int64_t factor,
                        std::vector<uint8_t>& means) {
  for (const Region& block : tile_grid(tile, {factor, factor})) {
    means.push_back(block_mean(bytes, tile, block));
  }
}

}  // namespace

ProbabilityTiff::ProbabilityTiff(const std::filesystem::path& path,
                                 const ProbabilityTiffOptions& options)
    : options_(options),
      path_(path),
      file_(path),
      tiles_(tiff_tiles(options.extent, kTile)),
      image_(blank_image(options, 1)) {
  if (options.type != SampleType::kUint8) return;
  for (const int64_t factor : pyramid_factors(options.extent, kTile)) {
    Level level{blank_image(options, factor), factor, {}};
    level.band.resize(static_cast<size_t>(options.classes * kTile * level.image.extent.cols));
    levels_.push_back(std::move(level));
  }
}

ProbabilityTiff::EncodedTile ProbabilityTiff::encode(size_t index,
                                                     std::span<const float> probabilities) const {
  const Extent extent = tiles_.at(index).extent();
  const auto plane = static_cast<size_t>(extent.area());
  if (probabilities.size() != plane * static_cast<size_t>(options_.classes)) {
    throw InternalError(
        fmt::format("{}: tile {} has {} values", path_.string(), index, probabilities.size()));
  }
  EncodedTile tile{index, {}, std::vector<std::vector<uint8_t>>(levels_.size())};
  const int effort = options_.type == SampleType::kUint8 ? kByteEffort : kFloatEffort;
  for (size_t first = 0; first < probabilities.size(); first += plane) {
    const auto samples = to_samples(probabilities.subspan(first, plane));
    tile.planes.push_back(deflate(padded(samples, extent), effort));
    for (size_t level = 0; level < levels_.size(); ++level) {
      append_block_means(samples.data(), extent, levels_[level].factor, tile.reduced[level]);
    }
  }
  return tile;
}

void ProbabilityTiff::write(EncodedTile tile) {
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

void ProbabilityTiff::finish() {
  if (next_ != tiles_.size()) {
    throw InternalError(
        fmt::format("{}: {} of {} tiles were written", path_.string(), next_, tiles_.size()));
  }
  std::vector<TiffImage> images = {image_};
  for (const Level& level : levels_) images.push_back(level.image);
  file_.finish(images);
}

std::vector<uint8_t> ProbabilityTiff::to_samples(std::span<const float> probabilities) const {
  const bool finite = std::all_of(probabilities.begin(), probabilities.end(),
                                  [](float p) { return std::isfinite(p); });
  if (!finite) {
    throw DataError(
        fmt::format("{}: a probability is not a finite number; the checkpoint's "
                    "weights have diverged",
                    path_.string()));
  }
  std::vector<uint8_t> samples(probabilities.size() * sample_bytes(options_.type));
  if (options_.type == SampleType::kFloat32) {
    std::memcpy(samples.data(), probabilities.data(), samples.size());
    return samples;
  }
  std::transform(probabilities.begin(), probabilities.end(), samples.begin(), [](float p) {
    return static_cast<uint8_t>(std::lround(255.0F * std::clamp(p, 0.0F, 1.0F)));
  });
  return samples;
}

std::vector<uint8_t> ProbabilityTiff::padded(std::span<const uint8_t> samples,
                                             const Extent& extent) const {
  const size_t size = sample_bytes(options_.type);
  const size_t row_bytes = static_cast<size_t>(extent.cols) * size;
  std::vector<uint8_t> tile(static_cast<size_t>(kTile * kTile) * size, 0);
  for (size_t row = 0; row < static_cast<size_t>(extent.rows); ++row) {
    std::copy_n(samples.data() + row * row_bytes, row_bytes, tile.data() + row * kTile * size);
  }
  return tile;
}

void ProbabilityTiff::keep(Level& level, const Region& tile, std::span<const uint8_t> means) {
  const Extent part = reduce(tile.extent(), level.factor);
  const int64_t row_begin = tile.rows.begin / level.factor;
  const int64_t col_begin = tile.cols.begin / level.factor;
  const uint8_t* from = means.data();
  for (int plane = 0; plane < options_.classes; ++plane) {
    for (int64_t row = 0; row < part.rows; ++row, from += part.cols) {
      std::copy_n(from, part.cols, band_row(level, plane, row_begin + row) + col_begin);
    }
  }
  const int64_t row_end = row_begin + part.rows;
  const bool row_is_complete = tile.cols.end == options_.extent.cols;
  const bool band_is_complete = row_end % kTile == 0 || row_end == level.image.extent.rows;
  if (row_is_complete && band_is_complete) write_band(level, (row_end - 1) / kTile);
}

void ProbabilityTiff::write_band(Level& level, int64_t band) {
  const auto tiles = tiff_tiles(level.image.extent, kTile);
  const int64_t across = ceil_div(level.image.extent.cols, kTile);
  for (int64_t index = band * across; index < (band + 1) * across; ++index) {
    const Region& tile = tiles[static_cast<size_t>(index)];
    for (int plane = 0; plane < options_.classes; ++plane) {
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
uint8_t* ProbabilityTiff::band_row(Level& level, int plane, int64_t row) const {
  return level.band.data() + (plane * kTile + row % kTile) * level.image.extent.cols;
}

}  // namespace untiled
