// Augmentation as decorators of an image: exact flips and quarter turns, and stain jitter that is
// a function of each pixel alone, so that no tile border can show.
#pragma once

#include <memory>

#include "data/loader/loader_settings.h"
#include "lib/core/pixel_source.h"
#include "lib/core/random.h"

namespace untiled {

/// One of the eight flips and quarter turns: the image is transposed first, then mirrored.
struct Orientation {
  bool transpose = false;
  bool flip_rows = false;  ///< Top and bottom change places.
  bool flip_cols = false;  ///< Left and right change places.

  friend constexpr bool operator==(const Orientation&, const Orientation&) = default;
};

/// The extent of an image of `extent` after turning.
Extent oriented_extent(const Extent& extent, const Orientation& orientation);

/// Where a region of the turned image lies in the image of extent `source`.
Region region_before(const Region& turned, const Extent& source, const Orientation& orientation);

/// `source` turned and mirrored, bytes and missing marks alike; labels and slides agree when both
/// get the same orientation.
std::shared_ptr<const PixelSource> make_oriented(std::shared_ptr<const PixelSource> source,
                                                 const Orientation& orientation);

/// Factors on the strength of the stains, 1 for none. Above 1: more stain.
struct Jitter {
  double haematoxylin = 1.0;
  double eosin = 1.0;
  double brightness = 1.0;  ///< Divides all optical densities: above 1 is brighter.

  friend constexpr bool operator==(const Jitter&, const Jitter&) = default;
};

/// `source` (3 channels, RGB) with its stains strengthened or weakened in optical density, along
/// the haematoxylin and eosin vectors of Ruifrok and Johnston (Anal Quant Cytol Histol 23:291-299,
/// 2001). White stays white. Fixed-point arithmetic: a pixel's bytes depend on that pixel only.
std::shared_ptr<const PixelSource> make_jittered(std::shared_ptr<const PixelSource> source,
                                                 const Jitter& jitter);

/// Draws for one slide and step. Every draw consumes the same numbers whatever the settings.
Orientation draw_orientation(Random& random, const AugmentSettings& settings);
Jitter draw_jitter(Random& random, const AugmentSettings& settings);

}  // namespace untiled
