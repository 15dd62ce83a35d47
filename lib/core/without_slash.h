// Folders that are named with a separator at their end.
#pragma once

#include <filesystem>
#include <utility>

namespace untiled {

/// "slide.zarr" for "slide.zarr/", the same folder.
inline std::filesystem::path without_slash(std::filesystem::path path) {
  return path.has_filename() ? std::move(path) : path.parent_path();
}

}  // namespace untiled
