// Which directories of a TIFF are the levels of a slide.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/slide/ome.h"
#include "data/slide/tiff_directory.h"

namespace untiled {

/// One level: a directory with all channels, or three with one channel each (red, green, blue).
struct TiffLevel {
  std::vector<TiffDirectory> planes;

  const TiffDirectory& first() const { return planes.front(); }
  const Extent& extent() const { return first().extent; }
};

struct TiffPyramid {
  std::vector<TiffLevel> levels;  ///< Largest first.
  std::optional<OmeImage> ome;
  std::vector<std::string> warnings;
};

/// The largest image of the file with its SubIFDs, or with the reduced images of the main chain.
/// Throws DataError when its pixels cannot be read as RGB without a choice that is the user's.
TiffPyramid choose_pyramid(const std::filesystem::path& path, const TiffFile& file);

/// For each extent the tiled directory of the main chain that has it; nothing if one is absent,
/// cannot be decoded here or has tiles without data.
std::optional<std::vector<TiffLevel>> match_levels(const TiffFile& file,
                                                   const std::vector<LevelInfo>& levels);

}  // namespace untiled
