#include "data/tissue/index_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <queue>
#include <string>
#include <utility>

#include "data/slide/file_kind.h"
#include "data/slide/tiff_directory.h"
#include "data/slide/tiff_handle.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kLargestBlock = 64 << 20;
constexpr int64_t kStripRowsKept = 768;
constexpr int64_t kMostStripBytes = 128 << 20;

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

/// Decoded strips, the oldest out first. Neighbouring tiles of a row need the same ones. Any
/// thread.
class StripCache {
 public:
  explicit StripCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when the strip is not there.
  std::shared_ptr<const Bytes> find(int64_t index) const {
    const std::lock_guard lock(mutex_);
    const auto found = strips_.find(index);
    return found == strips_.end() ? nullptr : found->second;
  }

  void insert(int64_t index, std::shared_ptr<const Bytes> strip) {
    const std::lock_guard lock(mutex_);
    const auto size = static_cast<int64_t>(strip->size());
    if (size > max_bytes_ || !strips_.emplace(index, std::move(strip)).second) return;
    oldest_first_.push(index);
    for (bytes_ += size; bytes_ > max_bytes_; oldest_first_.pop()) {
      const auto oldest = strips_.find(oldest_first_.front());
      bytes_ -= static_cast<int64_t>(oldest->second->size());
      strips_.erase(oldest);
    }
  }

 private:
  int64_t max_bytes_;
  mutable std::mutex mutex_;
  int64_t bytes_ = 0;
  std::map<int64_t, std::shared_ptr<const Bytes>> strips_;
  std::queue<int64_t> oldest_first_;
};

class IndexTiff : public PixelSource {
 public:
  IndexTiff(const std::filesystem::path& path, TiffDirectory image)
      : path_(path.string()),
        pool_(path),
        image_(std::move(image)),
        strips_(image_.tiled ? 0 : std::min(kStripRowsKept * image_.extent.cols, kMostStripBytes)) {
  }
  Extent extent() const override { return image_.extent; }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    if (!whole(image_.extent).contains(region)) {
      throw DataError(fmt::format("{}: {} lies outside its {}", path_, to_string(region),
                                  to_string(image_.extent)));
    }
    PixelBlock out{region, 1, {}, {}};
    out.bytes.resize(static_cast<size_t>(region.area()));
    if (region.empty()) return out;
    auto handle = pool_.take(image_.offset);
    const Interval rows = tiles_of(region.rows, image_.tile.rows);
    const Interval cols = tiles_of(region.cols, image_.tile.cols);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t col = cols.begin; col < cols.end; ++col) copy_tile(*handle, row, col, out);
    }
    pool_.give_back(std::move(handle));
    return out;
  }

 private:
  static Interval tiles_of(const Interval& pixels, int64_t tile) {
    return {pixels.begin / tile, ceil_div(pixels.end, tile)};
  }

  void copy_tile(TiffHandle& handle, int64_t tile_row, int64_t tile_col, PixelBlock& out) const {
    const int64_t index = tile_row * image_.tile_cols() + tile_col;
    const auto pixels = block(handle, index);
    const Region tile =
        shift(whole(image_.tile), tile_row * image_.tile.rows, tile_col * image_.tile.cols);
    const Region part = intersect(tile, out.region);
    for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      const uint8_t* from = pixels->data() + (row - tile.rows.begin) * image_.tile.cols +
                            (part.cols.begin - tile.cols.begin);
      uint8_t* to = out.bytes.data() + (row - out.region.rows.begin) * out.region.cols.size() +
                    (part.cols.begin - out.region.cols.begin);
      std::copy_n(from, part.cols.size(), to);
    }
  }

  std::shared_ptr<const Bytes> block(TiffHandle& handle, int64_t index) const {
    auto pixels = strips_.find(index);
    if (pixels) return pixels;
    pixels = std::make_shared<const Bytes>(decode(handle, index));
    strips_.insert(index, pixels);
    return pixels;
  }

  Bytes decode(TiffHandle& handle, int64_t index) const {
    Bytes pixels;
    pixels.assign(static_cast<size_t>(image_.tile.area()), 0);
    if (image_.blocks.at(static_cast<size_t>(index)).size == 0) return pixels;
    const auto number = static_cast<uint32_t>(index);
    const auto size = static_cast<tmsize_t>(pixels.size());
    const tmsize_t count = image_.tiled
                               ? TIFFReadEncodedTile(handle.get(), number, pixels.data(), size)
                               : TIFFReadEncodedStrip(handle.get(), number, pixels.data(), size);
    if (count < 0) {
      throw DataError(fmt::format("{}: {} {} of the mask cannot be decoded ({}); copy it again",
                                  path_, image_.tiled ? "tile" : "strip", index, handle.error()));
    }
    return pixels;
  }

  std::string path_;
  TiffPool pool_;
  TiffDirectory image_;
  mutable StripCache strips_;
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
