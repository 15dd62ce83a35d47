// Pieces of texture that synthetic slides are made of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/synth/synth_stain.h"
#include "lib/core/pixel_source.h"

namespace untiled {

inline constexpr int64_t kTissuePatchSide = 256;
inline constexpr int64_t kGlassPatchSide = 64;

/// Square RGB patches, side x side x 3 bytes each.
struct Patches {
  std::vector<Bytes> tissue;  ///< Sides of kTissuePatchSide.
  std::vector<Bytes> glass;   ///< Sides of kGlassPatchSide: the slide without tissue.
};

/// Textures drawn like haematoxylin and eosin: streaky stroma with nuclei. The same for any number
/// of threads, and for all stains but for their colours.
Patches draw_patches(uint64_t seed, int threads, const SynthStain& stain = {});

/// Textures taken from a real slide (3 channels) at places that the seed chooses: tissue by its
/// colour, glass by its lack of it; glass is drawn where the slide shows none. Throws DataError
/// naming `name` where the slide shows no tissue.
Patches sample_patches(const PixelSource& slide, const std::string& name, uint64_t seed);

/// Glass alone, as `draw_patches` makes it.
std::vector<Bytes> draw_glass(uint64_t seed);

}  // namespace untiled
