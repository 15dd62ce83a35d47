#include "data/tissue/index_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "data/slide/block_decoder.h"
#include "data/slide/file_kind.h"
#include "data/slide/orientation.h"
#include "data/slide/samples.h"
#include "data/slide/tiff_directory.h"
#include "data/slide/tiff_handle.h"
#include "data/slide/tiff_pyramid.h"
#include "data/slide/tile_cache.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int kByte = 8;  ///< In bits.
constexpr int64_t kLargestBlock = 64 << 20;
constexpr int64_t kRowsKept = 768;
constexpr int64_t kMostStripBytes = 128 << 20;
constexpr int64_t kMostTileBytes = 16 << 20;
/// A run has a mask a slide open, and few threads read the same one at once.
constexpr size_t kIdleHandles = 2;

bool has_whole_numbers(const TiffDirectory& image) {
  const bool whole =
      image.sample_format == SAMPLEFORMAT_UINT || image.sample_format == SAMPLEFORMAT_INT;
  return whole && image.samples == 1 && image.bits > 0 &&
         (image.bits <= kByte ? kByte % image.bits == 0 : image.bits == 16 || image.bits == 32);
}

/// Why an image cannot be a mask; empty when it can.
std::string mask_obstacle(const TiffDirectory& image) {
  if (!has_whole_numbers(image)) {
    const bool is_real = image.sample_format == SAMPLEFORMAT_IEEEFP;
    return fmt::format("this TIFF holds {} samples of {} bits{}; save it as 8-bit grey",
                       image.samples, image.bits, is_real ? " (floating point)" : "");
  }
  if (image.photometric == PHOTOMETRIC_MINISWHITE && image.bits > 1) {
    return "this TIFF says that 0 is white; save it with 0 as black";
  }
  if (image.compression == COMPRESSION_JPEG || image.compression == COMPRESSION_OJPEG) {
    return "JPEG compression alters them; save it with Deflate or LZW";
  }
  if (TIFFIsCODECConfigured(image.compression) == 0) {
    return fmt::format("compression {} ({}) is not read here; save it with Deflate",
                       image.compression, compression_name(image.compression));
  }
  if (image.tile.area() > kLargestBlock) {
    return fmt::format("its {} are decoded whole and have {} MiB; save it in tiles of 512",
                       image.tiled ? "tiles" : "strips", image.tile.area() >> 20);
  }
  return {};
}

/// The number at `col` of a row of `bits` bits each, in the machine's byte order.
int64_t number_at(const uint8_t* row, int64_t col, int bits, bool is_signed) {
  if (bits == 32) {
    uint32_t value = 0;
    std::memcpy(&value, row + 4 * col, sizeof(value));
    return is_signed ? int64_t{static_cast<int32_t>(value)} : int64_t{value};
  }
  if (bits == 16) {
    uint16_t value = 0;
    std::memcpy(&value, row + 2 * col, sizeof(value));
    return is_signed ? int64_t{static_cast<int16_t>(value)} : int64_t{value};
  }
  if (bits == kByte) return is_signed ? int64_t{static_cast<int8_t>(row[col])} : int64_t{row[col]};
  const int64_t first_bit = col * bits;
  const auto shift = static_cast<int>(kByte - bits - first_bit % kByte);
  return row[first_bit / kByte] >> shift & ((1 << bits) - 1);
}

/// tifffile writes an array of truth values as WhiteIsZero with true as 1, and reads what is
/// stored.
bool counts_as_stored(const TiffDirectory& image) {
  const bool is_named =
      std::any_of(image.properties.begin(), image.properties.end(), [](const Property& property) {
        return property.key == "tiff.Software" && property.value.starts_with("tifffile");
      });
  return is_named || image.description.starts_with("{\"shape\": ");
}

/// How many images of the main chain are neither the mask nor reduced versions of it.
int64_t count_other_pages(const TiffFile& file, size_t main) {
  const TiffDirectory& mask = file.main[main];
  return std::count_if(file.main.begin(), file.main.end(), [&](const TiffDirectory& page) {
    constexpr uint32_t kNoPage = FILETYPE_REDUCEDIMAGE | FILETYPE_MASK;
    const bool is_level =
        page.extent.area() < mask.extent.area() &&
        has_shape_of(mask.extent, {page.extent, page.tiled ? page.tile : Extent{}, {}});
    return &page != &mask && (page.subfile_type & kNoPage) == 0 && !is_level;
  });
}

/// Neighbouring regions need the same blocks, and strips are as wide as the image. A block is kept
/// even when it is larger: a mask of one strip is decoded once.
int64_t bytes_kept(const TiffDirectory& image) {
  return std::min(kRowsKept * image.extent.cols, image.tiled ? kMostTileBytes : kMostStripBytes);
}

class IndexTiff : public PixelSource {
 public:
  IndexTiff(const std::filesystem::path& path, TiffDirectory image)
      : path_(path.string()),
        pool_(path, kIdleHandles),
        image_(std::move(image)),
        kept_(bytes_kept(image_)) {}
  Extent extent() const override { return image_.extent; }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    if (!whole(image_.extent).contains(region)) {
      throw DataError(fmt::format("{}: {} lies outside its {}", path_, to_string(region),
                                  to_string(image_.extent)));
    }
    PixelBlock out = empty_block(region, 1);
    if (region.empty()) return out;
    const Interval rows = tiles_of(region.rows, image_.tile.rows);
    const Interval cols = tiles_of(region.cols, image_.tile.cols);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t col = cols.begin; col < cols.end; ++col) {
        const int64_t index = row * image_.tile_cols() + col;
        copy_overlap(*kept_.get({0, index}, [&] { return decode(index); }), out);
      }
    }
    return out;
  }

 private:
  static Interval tiles_of(const Interval& pixels, int64_t tile) {
    return {pixels.begin / tile, ceil_div(pixels.end, tile)};
  }

  PixelBlock decode(int64_t index) const {
    const Region region = block_region(image_, index);
    PixelBlock block = empty_block(region, 1);
    if (image_.blocks.at(static_cast<size_t>(index)).size == 0) {
      std::fill(block.bytes.begin(), block.bytes.end(), uint8_t{0});
      return block;
    }
    const int64_t row_bytes = ceil_div(region.cols.size() * image_.bits, int64_t{kByte});
    const Bytes stored = decode_bytes(index, row_bytes * region.rows.size());
    for (int64_t row = 0; row < region.rows.size(); ++row) {
      unpack(stored.data() + row * row_bytes, region, row,
             block.bytes.data() + row * region.cols.size());
    }
    return block;
  }

  Bytes decode_bytes(int64_t index, int64_t bytes) const {
    Bytes stored(static_cast<size_t>(bytes));
    std::fill(stored.begin(), stored.end(), uint8_t{0});
    auto handle = pool_.take(image_.offset);
    const auto number = static_cast<uint32_t>(index);
    const auto size = static_cast<tmsize_t>(bytes);
    const tmsize_t count = image_.tiled
                               ? TIFFReadEncodedTile(handle->get(), number, stored.data(), size)
                               : TIFFReadEncodedStrip(handle->get(), number, stored.data(), size);
    if (count < 0) {
      throw DataError(fmt::format("{}: {} {} of the mask cannot be decoded ({}); copy it again",
                                  path_, image_.tiled ? "tile" : "strip", index, handle->error()));
    }
    pool_.give_back(std::move(handle));
    return stored;
  }

  /// Row `row` of a block's numbers to bytes. Of what lies beyond the image nothing is checked.
  void unpack(const uint8_t* stored, const Region& region, int64_t row, uint8_t* out) const {
    const int64_t cols = region.cols.size();
    const bool is_signed = image_.sample_format == SAMPLEFORMAT_INT;
    if (image_.bits == kByte && !is_signed) {
      std::copy_n(stored, cols, out);
      return;
    }
    const bool is_turned =
        image_.photometric == PHOTOMETRIC_MINISWHITE && !counts_as_stored(image_);
    const int white = is_turned ? 1 : 0;
    const bool seen_row = region.rows.begin + row < image_.extent.rows;
    for (int64_t col = 0; col < cols; ++col) {
      const int64_t value = number_at(stored, col, image_.bits, is_signed) ^ white;
      const bool seen = seen_row && region.cols.begin + col < image_.extent.cols;
      if (seen && (value < 0 || value > UINT8_MAX)) {
        throw DataError(
            fmt::format("{}: value {} at row {}, column {} of the mask is beyond the 0 to 255 of "
                        "class indices; save it as 8-bit grey",
                        path_, value, region.rows.begin + row, region.cols.begin + col));
      }
      out[col] = static_cast<uint8_t>(value);
    }
  }

  std::string path_;
  TiffPool pool_;
  TiffDirectory image_;
  mutable TileCache kept_;
};

}  // namespace

std::shared_ptr<const PixelSource> open_index_tiff(const std::filesystem::path& path) {
  require_whole_tiff_header(path);
  TiffFile file = read_tiff_file(path);
  const size_t main = find_main_image(file);
  if (const int64_t others = count_other_pages(file, main); others > 0) {
    throw DataError(
        fmt::format("{}: it has {} pages, and a mask has one, of class indices: save that as a "
                    "file of its own",
                    path.string(), others + 1));
  }
  TiffDirectory image = std::move(file.main[main]);
  if (const std::string obstacle = mask_obstacle(image); !obstacle.empty()) {
    throw DataError(
        fmt::format("{}: a mask holds one class index a pixel: {}", path.string(), obstacle));
  }
  require_whole_blocks(path, image, 0);
  const int orientation = image.orientation;
  return upright(std::make_shared<IndexTiff>(path, std::move(image)), orientation);
}

}  // namespace untiled
