// Synthetic slides of any size, with the truth beside them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/synth/painter.h"
#include "data/synth/patches.h"
#include "lib/core/region.h"
#include "lib/output/mask_facts.h"

namespace untiled {

/// What a slide's mask holds: tissue against the rest, unless told otherwise.
struct MaskMeaning {
  std::vector<MaskClass> classes;                  ///< As MaskFacts has them.
  std::array<uint8_t, 4> index_of = {0, 1, 0, 0};  ///< The class index of each Truth.
};

struct SynthOptions {
  Extent extent;  ///< At least kLeastSynthSide a side.
  uint64_t seed = 0;
  double mpp = 0.25;            ///< Micrometres per pixel that the files state.
  int threads = 1;              ///< Changes no byte.
  int64_t mask_downsample = 0;  ///< 0: the least at which the mask is readable.
  MaskMeaning mask;
  std::filesystem::path slide;  ///< A pyramidal TIFF; see pyramid_writer.h.
  /// Paints over a region's pixels, from several threads; empty: nothing is added.
  std::function<void(const Region& region, Painted& painted)> decorate;
};

inline constexpr int64_t kLeastSynthSide = 64;
inline constexpr int64_t kMostSynthSide = 1'000'000;

struct SynthReport {
  std::filesystem::path mask;
  int64_t mask_downsample = 1;
  int levels = 0;
  int sections = 0;
  double tissue_fraction = 0.0;  ///< Of the slide's pixels.
};

/// Throws ConfigError unless both sides are in range.
void check_synth_extent(const Extent& extent);

/// Where the mask of a slide goes: slide.tif has slide.mask.png.
std::filesystem::path synth_mask_path(const std::filesystem::path& slide);

/// Writes the slide and its mask: an 8-bit grey PNG of options.mask, by default 255 where the slide
/// shows tissue, lowered by
/// options.mask_downsample or the least whole factor d that keeps it readable
/// (lib/output/mask_png.h). Mask pixel (i, j) tells
/// of level-0 pixel (min(i d + d / 2, rows - 1), min(j d + d / 2, columns - 1)). Ink is not tissue,
/// pale tissue is. The slide appears last; both whole or not at all. Throws DataError (a full
/// disk), ConfigError for a size out of range, Interrupted at the next row of tiles.
SynthReport synthesize(const SynthOptions& options, const Patches& patches);

}  // namespace untiled
