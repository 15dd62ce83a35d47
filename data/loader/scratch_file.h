// A nameless temporary file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace untiled {

/// A file in `folder` that has no name, so that it goes with the process however that ends.
/// Throws DataError where the folder cannot be written or the disk is full. Any thread.
class ScratchFile {
 public:
  explicit ScratchFile(std::filesystem::path folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write(int64_t offset, std::span<const uint8_t> bytes) const;
  /// Fills `bytes` with what was written at `offset`.
  void read(int64_t offset, std::span<uint8_t> bytes) const;

 private:
  std::filesystem::path folder_;
  int descriptor_;
};

}  // namespace untiled
