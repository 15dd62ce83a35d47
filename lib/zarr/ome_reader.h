// Finds the image of an OME-Zarr folder and reads what it says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lib/zarr/ome_metadata.h"

namespace untiled {

/// An image to be read: a multiscale one of OME-Zarr 0.4 or 0.5, or an array alone, which then is
/// its only level and says no scale.
struct OmeSource {
  std::filesystem::path folder;  ///< Of the group, or of the array.
  bool is_array = false;
  OmeMetadata metadata;  ///< Of an array the axes alone; their names may be empty.
  std::vector<std::filesystem::path> levels;  ///< Folders of arrays, as the datasets list them.
  std::vector<std::string> warnings;          ///< Other images beside it.
};

/// In bioformats2raw's layout it is image 0. Throws DataError naming the file, what was found and
/// what is read: for other versions, plates, and names that lead out of the folder.
OmeSource find_image(const std::filesystem::path& folder);

/// Whether a name may be joined to a folder: relative, and nothing of it leads up or nowhere.
bool stays_inside(const std::string& name);

}  // namespace untiled
