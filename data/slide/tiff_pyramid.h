// Which directories of a TIFF are the levels of a slide.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/slide/ome.h"
#include "data/slide/scale.h"
#include "data/slide/tiff_directory.h"

namespace untiled {

/// One level: a directory with all channels, or three with one channel each (red, green, blue).
struct TiffLevel {
  std::vector<TiffDirectory> planes;
  ScaledLevel scaled;  ///< Its part of the stored image, which may be padded to whole tiles.

  const TiffDirectory& first() const { return planes.front(); }
  const Extent& extent() const { return scaled.extent; }
};

struct TiffPyramid {
  size_t main = 0;                ///< Position in the main chain of level 0, or of its red plane.
  std::vector<TiffLevel> levels;  ///< Largest first.
  bool has_ome = false;           ///< The file has an OME-XML description.
  std::optional<OmeImage> ome;    ///< What it says of this image.
  std::vector<std::string> warnings;
};

/// The position in the main chain of a file's slide: the largest image that is no macro, label,
/// thumbnail, overview or mask by its name or its tags, wherever it stands; of equal ones the
/// first.
size_t find_main_image(const TiffFile& file);

/// The slide of the file with the SubIFDs of its image, or with the reduced images of the main
/// chain that have its shape. Throws DataError when its pixels cannot be read as RGB without a
/// choice that is the user's.
TiffPyramid choose_pyramid(const std::filesystem::path& path, const TiffFile& file);

/// Levels, the scale of level 0, and what else the pyramid says of the slide.
void describe_pyramid(const TiffPyramid& pyramid, SlideInfo& info);

}  // namespace untiled
