#include "data/tissue/index_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "data/slide/block_decoder.h"
#include "data/slide/file_kind.h"
#include "data/slide/samples.h"
#include "data/slide/tiff_directory.h"
#include "data/slide/tiff_handle.h"
#include "data/slide/tile_cache.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kLargestBlock = 64 << 20;
constexpr int64_t kRowsKept = 768;
constexpr int64_t kMostStripBytes = 128 << 20;
constexpr int64_t kMostTileBytes = 16 << 20;
/// A run has a mask a slide open, and few threads read the same one at once.
constexpr size_t kIdleHandles = 2;

/// Why an image cannot be a mask; empty when it can.
std::string mask_obstacle(const TiffDirectory& image) {
  if (image.samples != 1 || image.bits != 8 || image.sample_format != SAMPLEFORMAT_UINT) {
    return fmt::format("this TIFF holds {} samples of {} bits; save it as 8-bit grey",
                       image.samples, image.bits);
  }
  if (image.photometric == PHOTOMETRIC_MINISWHITE) {
    return "this TIFF says that 0 is white; save it with 0 as black";
  }
  if (image.compression == COMPRESSION_JPEG || image.compression == COMPRESSION_OJPEG) {
    return "JPEG compression alters them; save it with Deflate or LZW";
  }
  if (TIFFIsCODECConfigured(image.compression) == 0) {
    return fmt::format("compression {} is not known here; save it with Deflate", image.compression);
  }
  if (image.tile.area() > kLargestBlock) {
    return fmt::format("its {} are decoded whole and have {} MiB; save it in tiles of 512",
                       image.tiled ? "tiles" : "strips", image.tile.area() >> 20);
  }
  return {};
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
    PixelBlock block = empty_block(block_region(image_, index), 1);
    Bytes& pixels = block.bytes;
    std::fill(pixels.begin(), pixels.end(), uint8_t{0});
    if (image_.blocks.at(static_cast<size_t>(index)).size == 0) return block;
    auto handle = pool_.take(image_.offset);
    const auto number = static_cast<uint32_t>(index);
    const auto size = static_cast<tmsize_t>(pixels.size());
    const tmsize_t count = image_.tiled
                               ? TIFFReadEncodedTile(handle->get(), number, pixels.data(), size)
                               : TIFFReadEncodedStrip(handle->get(), number, pixels.data(), size);
    if (count < 0) {
      throw DataError(fmt::format("{}: {} {} of the mask cannot be decoded ({}); copy it again",
                                  path_, image_.tiled ? "tile" : "strip", index, handle->error()));
    }
    pool_.give_back(std::move(handle));
    return block;
  }

  std::string path_;
  TiffPool pool_;
  TiffDirectory image_;
  mutable TileCache kept_;
};

}  // namespace

std::shared_ptr<const PixelSource> open_index_tiff(const std::filesystem::path& path) {
  require_whole_tiff_header(path);
  TiffDirectory image = std::move(read_tiff_file(path).main.at(0));
  if (const std::string obstacle = mask_obstacle(image); !obstacle.empty()) {
    throw DataError(
        fmt::format("{}: a mask holds one class index a pixel: {}", path.string(), obstacle));
  }
  require_whole_blocks(path, image, 0);
  return std::make_shared<IndexTiff>(path, std::move(image));
}

}  // namespace untiled
