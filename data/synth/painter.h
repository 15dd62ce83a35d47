// Turns a scene into pixels.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/synth/patches.h"
#include "data/synth/patchwork.h"
#include "data/synth/scene.h"

namespace untiled {

/// What a pixel shows.
enum class Truth : uint8_t { kGlass, kTissue, kInk, kGland };

/// A painted region: RGB bytes, and one Truth a pixel.
struct Painted {
  Bytes pixels;
  std::vector<Truth> truth;
};

/// Paints any region of a synthetic slide. A pixel depends on the scene, the patches, the seed and
/// its place, not on the region. Any thread.
class Painter {
 public:
  Painter(const Scene& scene, const Patches& patches, uint64_t seed);

  /// `region` may reach beyond the slide; there is glass.
  Painted paint(const Region& region) const;

 private:
  /// Light that a section's stain takes from the glass, by channel and value of the texture.
  using StainTable = std::array<std::array<int16_t, 256>, 3>;

  StainTable stain_table(const std::array<double, 3>& powers) const;
  void paint_section(size_t index, const Region& region, Painted& painted) const;

  const Scene& scene_;
  Patchwork tissue_;
  Patchwork glass_;
  std::array<uint8_t, 3> glass_color_;
  std::vector<StainTable> stains_;  ///< By section.
};

}  // namespace untiled
