// Which way up a PNG image is.
#pragma once

#include <filesystem>

namespace untiled {

/// The Orientation tag of a PNG's Exif data, 1 to 8: those of its chunk eXIf wherever that stands,
/// or else those that programs before 2017 wrote as text. 1 (upright) where there are none, where
/// they make no sense, and where the file is no PNG. Throws DataError where it cannot be read.
int png_orientation(const std::filesystem::path& path);

}  // namespace untiled
