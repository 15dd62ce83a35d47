#include "data/synth/synthesize.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "data/synth/painter.h"
#include "data/synth/pyramid_writer.h"
#include "data/synth/scene.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/output/mask_png.h"

namespace untiled {
namespace {

/// The mask's factor: as asked for, else the least that fits into a PNG.
int64_t mask_downsample(const SynthOptions& options) {
  return options.mask_downsample > 0 ? options.mask_downsample
                                     : least_png_downsample(options.extent);
}

MaskFacts mask_facts(const SynthOptions& options, int64_t downsample) {
  const MaskFacts full{.extent = options.extent,
                       .scale = OutputScale{options.mpp, options.mpp},
                       .classes = options.mask.classes};
  return reduced(full, downsample);
}

/// The mask pixels whose centres lie in `pixels`, an interval of an axis of `size` pixels.
Interval centred_in(const Interval& pixels, int64_t size, int64_t downsample) {
  const auto first_from = [&](int64_t pixel) {
    return std::max<int64_t>(ceil_div(pixel - downsample / 2, downsample), 0);
  };
  // The last centre may be clamped to the slide's edge.
  const int64_t end = pixels.end >= size ? ceil_div(size, downsample) : first_from(pixels.end);
  return {first_from(pixels.begin), end};
}

/// The rows of the mask whose centres lie in one row of tiles.
class MaskBand {
 public:
  MaskBand(const Interval& rows_level0, const Extent& slide, int64_t downsample,
           const MaskMeaning& meaning)
      : slide_(slide),
        index_of_(meaning.index_of),
        downsample_(downsample),
        rows_(centred_in(rows_level0, slide.rows, downsample)),
        cols_(ceil_div(slide.cols, downsample)),
        classes_(static_cast<size_t>(rows_.size() * cols_), 0) {}

  /// Tiles of the row touch different pixels, so threads do not meet.
  void set(const Region& tile, const std::vector<Truth>& truth) {
    const Interval cols = centred_in(tile.cols, slide_.cols, downsample_);
    for (int64_t row = rows_.begin; row < rows_.end; ++row) {
      const int64_t y = centre(row, slide_.rows) - tile.rows.begin;
      const Truth* from = truth.data() + y * tile.cols.size() - tile.cols.begin;
      uint8_t* to = classes_.data() + (row - rows_.begin) * cols_;
      for (int64_t col = cols.begin; col < cols.end; ++col) {
        to[col] = index_of_[static_cast<size_t>(from[centre(col, slide_.cols)])];
      }
    }
  }

  std::span<const uint8_t> classes() const { return classes_; }

 private:
  int64_t centre(int64_t index, int64_t size) const {
    return std::min(index * downsample_ + downsample_ / 2, size - 1);
  }

  Extent slide_;
  std::array<uint8_t, 4> index_of_;
  int64_t downsample_;
  Interval rows_;
  int64_t cols_;
  std::vector<uint8_t> classes_;
};

int64_t count_tissue(const Region& tile, const Extent& slide, const std::vector<Truth>& truth) {
  const Extent inside = clip(tile, slide).extent();
  int64_t count = 0;
  for (int64_t row = 0; row < inside.rows; ++row) {
    const auto begin = truth.begin() + row * tile.cols.size();
    count += std::count(begin, begin + inside.cols, Truth::kTissue);
  }
  return count;
}

}  // namespace

void check_synth_extent(const Extent& extent) {
  const auto out_of_range = [](int64_t side) {
    return side < kLeastSynthSide || side > kMostSynthSide;
  };
  if (out_of_range(extent.rows) || out_of_range(extent.cols)) {
    throw ConfigError(
        fmt::format("a synthetic slide of {} cannot be made; both sides must be {} "
                    "to {} pixels",
                    to_string(extent), kLeastSynthSide, kMostSynthSide));
  }
}

std::filesystem::path synth_mask_path(const std::filesystem::path& slide) {
  std::filesystem::path mask = slide;
  return mask.replace_extension(".mask.png");
}

SynthReport synthesize(const SynthOptions& options, const Patches& patches) {
  check_synth_extent(options.extent);
  const Extent& slide = options.extent;
  const Scene scene(slide, options.seed);
  const Painter painter(scene, patches, options.seed);
  const int64_t downsample = mask_downsample(options);
  const std::filesystem::path mask_path = synth_mask_path(options.slide);
  MaskPngWriter mask(mask_path, mask_facts(options, downsample));
  PyramidWriter pyramid(options.slide, slide, options.mpp, options.threads);

  Progress progress("synth", pyramid.tile_rows());
  std::atomic<int64_t> tissue_pixels = 0;
  for (int64_t i = 0; i < pyramid.tile_rows(); ++i) {
    throw_if_stopped();
    MaskBand band({i * kPyramidTile, (i + 1) * kPyramidTile}, slide, downsample, options.mask);
    pyramid.add_tile_row([&](const Region& tile) {
      Painted painted = painter.paint(tile);
      if (options.decorate) options.decorate(tile, painted);
      band.set(tile, painted.truth);
      tissue_pixels += count_tissue(tile, slide, painted.truth);
      return std::move(painted.pixels);
    });
    if (!band.classes().empty()) mask.write_rows(band.classes());
    progress.advance();
  }
  pyramid.finish();
  mask.finish();
  pyramid.commit();
  return {mask_path, downsample, static_cast<int>(pyramid_extents(slide).size()),
          static_cast<int>(scene.sections().size()),
          static_cast<double>(tissue_pixels) / static_cast<double>(slide.area())};
}

}  // namespace untiled
