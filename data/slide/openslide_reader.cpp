#include "data/slide/openslide_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "data/slide/dicom_file.h"
#include "data/slide/openslide_advice.h"
#include "data/slide/samples.h"
#include "data/slide/ycbcr.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// Pixels of one call to OpenSlide: bounds the buffer of ARGB beside the block that is returned.
constexpr int64_t kPixelsPerCall = int64_t{1} << 20;

/// OpenSlide 3.4.1 has a cache of its own size.
constexpr int64_t kOldCacheBytes = int64_t{32} << 20;

/// Squares of a lattice fixed in the level, in which OpenSlide is asked for levels of an inexact
/// scale.
constexpr int64_t kLatticeTile = 512;

class OpenSlideReader : public SlideReader {
 public:
  OpenSlideReader(SlideInfo info, std::shared_ptr<const OpenSlideHandle> handle, DicomColors colors,
                  int64_t cache_bytes)
      : SlideReader(std::move(info)),
        handle_(std::move(handle)),
        colors_(colors),
        cache_bytes_(cache_bytes) {
    // Asked for once: a handle in its error state answers -1, and another thread's bad region can
    // put the shared one into it.
    for (const OpenSlideLevel& level : openslide_levels(*handle_)) {
      numbers_.push_back(level.number);
      ratios_.push_back(handle_->level_ratio(level.number));
    }
  }

 private:
  PixelBlock read_pixels(int level, const Region& region) const override {
    PixelBlock block = empty_block(region);
    const double ratio = ratios_[static_cast<size_t>(level)];
    if (ratio == std::floor(ratio)) {
      read_exact_scale(level, static_cast<int64_t>(ratio), block);
    } else {
      read_on_lattice(level, ratio, block);
    }
    drop_empty_mask(block);
    return block;
  }

  /// Positions in the level are whole numbers of level-0 pixels: bands of any size are exact.
  void read_exact_scale(int level, int64_t ratio, PixelBlock& block) const {
    const Region& region = block.region;
    const int64_t band_rows = std::max<int64_t>(1, kPixelsPerCall / region.cols.size());
    for (int64_t row = region.rows.begin; row < region.rows.end; row += band_rows) {
      const Region band = {{row, std::min(row + band_rows, region.rows.end)}, region.cols};
      copy_overlap(read_argb(level, {band.rows.begin * ratio, band.cols.begin * ratio}, band),
                   block);
    }
  }

  /// OpenSlide takes positions in level 0 and divides by an inexact ratio, so that what it returns
  /// is shifted by a fraction of a pixel that depends on where the read begins. Reads that begin on
  /// a lattice make a pixel's value the same whatever region it is read for.
  void read_on_lattice(int level, double ratio, PixelBlock& block) const {
    const Region& region = block.region;
    for (int64_t row = floor_div(region.rows.begin, kLatticeTile) * kLatticeTile;
         row < region.rows.end; row += kLatticeTile) {
      for (int64_t col = floor_div(region.cols.begin, kLatticeTile) * kLatticeTile;
           col < region.cols.end; col += kLatticeTile) {
        const Region tile = {{row, std::min(row + kLatticeTile, region.rows.end)},
                             {col, std::min(col + kLatticeTile, region.cols.end)}};
        copy_overlap(read_argb(level,
                               {std::llround(static_cast<double>(row) * ratio),
                                std::llround(static_cast<double>(col) * ratio)},
                               tile),
                     block);
      }
    }
  }

  struct Position {
    int64_t row_level0;
    int64_t col_level0;
  };

  /// An error ends an OpenSlide handle for every thread that uses it, so a failed read is repeated
  /// on a fresh one of its own: only then is the error this region's.
  PixelBlock read_argb(int level, const Position& from, const Region& region) const {
    const auto shared = handle();
    const int number = numbers_[static_cast<size_t>(level)];
    const auto pixels = shared->try_read(number, from.row_level0, from.col_level0, region.extent());
    if (pixels) return to_rgb(*pixels, region);
    try {
      replace(shared);
      const OpenSlideHandle own(info().path, 0);
      return to_rgb(own.read(number, from.row_level0, from.col_level0, region.extent()), region);
    } catch (const DataError& error) {
      refuse(level, region, error.what());
    }
  }

  [[noreturn]] void refuse(int level, const Region& region, const std::string& reason) const {
    const auto advice = advice_for(reason);
    throw DataError(fmt::format("{}{}: {} of level {} cannot be read ({}); {}",
                                info().path.string(), advice ? "" : " is damaged",
                                to_string(region), level, reason,
                                advice.value_or("copy it again")));
  }

  PixelBlock to_rgb(const std::vector<uint32_t>& pixels, const Region& region) const {
    PixelBlock block = argb_to_rgb(pixels, region, info().background);
    if (colors_ == DicomColors::kRgb) return block;
    for (size_t i = 0; i < pixels.size(); ++i) {
      constexpr uint32_t kOpaque = 0xFF;
      if (pixels[i] >> 24 == kOpaque) ycbcr_to_rgb(&block.bytes[3 * i], 1, 3);
    }
    return block;
  }

  std::shared_ptr<const OpenSlideHandle> handle() const {
    const std::lock_guard lock(mutex_);
    return handle_;
  }

  void replace(const std::shared_ptr<const OpenSlideHandle>& broken) const {
    const std::lock_guard lock(mutex_);
    if (handle_ == broken) {
      handle_ = std::make_shared<const OpenSlideHandle>(info().path, cache_bytes_);
    }
  }

  std::vector<int> numbers_;    ///< OpenSlide's numbers of the levels.
  std::vector<double> ratios_;  ///< OpenSlide's level-0 pixels per pixel, by level.
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const OpenSlideHandle> handle_;
  DicomColors colors_;
  int64_t cache_bytes_;
};

}  // namespace

std::shared_ptr<const SlideReader> make_openslide_reader(
    SlideInfo info, std::shared_ptr<const OpenSlideHandle> handle, const OpenOptions& options) {
  const bool old = openslide_version().starts_with("3.");
  info.held_bytes = old ? kOldCacheBytes : options.cache_bytes;
  DicomColors colors = DicomColors::kRgb;
  if (info.vendor == "dicom") {
    colors = dicom_colors(info.path, info.files);
    for (std::string& warning : dicom_warnings(info.path, info.files)) {
      info.warnings.push_back(std::move(warning));
    }
  }
  if (colors != DicomColors::kRgb) {
    info.warnings.emplace_back(
        "its pixel streams are YCbCr, which its header does not say: the streams are believed");
  }
  return std::make_shared<OpenSlideReader>(std::move(info), std::move(handle), colors,
                                           options.cache_bytes);
}

}  // namespace untiled
