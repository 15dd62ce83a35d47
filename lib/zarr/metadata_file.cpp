#include "lib/zarr/metadata_file.h"

#include <fmt/format.h>

#include <system_error>

#include "lib/core/error.h"
#include "lib/zarr/chunk_file.h"
#include "lib/zarr/json_text.h"

namespace untiled {

bool is_there(const std::filesystem::path& file) {
  std::error_code none;
  return std::filesystem::exists(file, none);
}

std::string read_metadata_file(const std::filesystem::path& path) {
  const auto file = ChunkFile::open(path);
  if (!file) throw DataError(fmt::format("{} is missing: copy the whole folder", path.string()));
  if (file->size() > kMostJsonBytes) {
    throw DataError(fmt::format("{} has {} bytes, more than the {} that metadata may have",
                                path.string(), file->size(), kMostJsonBytes));
  }
  const Bytes bytes = file->read(0, static_cast<size_t>(file->size()));
  return {bytes.begin(), bytes.end()};
}

}  // namespace untiled
