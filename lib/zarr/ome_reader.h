// Finds the images of an OME-Zarr folder and reads what they say.
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
  int number = 0;                             ///< Of the image in the folder.
  std::vector<std::string> warnings;          ///< What of it is not read.
};

/// The array that a folder is, the images that it lists, or in bioformats2raw's layout those of its
/// series; images that cannot be read are left out where another can. Throws DataError naming the
/// file, what was found and what is read: for other versions, plates, and names that lead out of
/// the folder.
std::vector<OmeSource> find_images(const std::filesystem::path& folder);

/// Whether a name may be joined to a folder: relative, and nothing of it leads up or nowhere.
bool stays_inside(const std::string& name);

}  // namespace untiled
