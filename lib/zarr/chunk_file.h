// Files of chunks: written at once or by parts, read by parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "lib/core/descriptor.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// A new file with these bytes, in a folder that is made where it is missing. Uncached: past the
/// page cache, where that can be done. Throws DataError.
void write_chunk_file(const std::filesystem::path& path, std::span<const uint8_t> bytes,
                      bool uncached);

/// Bytes into a file that may have begun, at `offset`. Throws DataError.
void write_part(const std::filesystem::path& path, std::span<const uint8_t> bytes, uint64_t offset);

/// An open file of chunks. Throws DataError that names the file.
class ChunkFile {
 public:
  /// Nothing where there is no such file.
  static std::optional<ChunkFile> open(const std::filesystem::path& path);

  uint64_t size() const { return size_; }
  /// What must lie inside the file.
  Bytes read(uint64_t offset, size_t bytes) const;

 private:
  ChunkFile(std::filesystem::path path, int descriptor, uint64_t size);

  std::filesystem::path path_;
  std::unique_ptr<Descriptor> file_;
  uint64_t size_;
};

}  // namespace untiled
