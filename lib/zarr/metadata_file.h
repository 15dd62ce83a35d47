// Files of metadata, bounded before they are read.
#pragma once

#include <filesystem>
#include <string>

namespace untiled {

/// Whether a file of that name is there.
bool is_there(const std::filesystem::path& file);
/// The whole text. Throws DataError naming the file: where it is missing, no file, or larger than
/// kMostJsonBytes.
std::string read_metadata_file(const std::filesystem::path& file);

}  // namespace untiled
