// A nameless temporary file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace untiled {

/// What a message of a full or broken disk says.
struct ScratchUse {
  const char* what;    ///< "the slide cache".
  const char* advice;  ///< What to do about it.
};

/// A file in `folder` that has no name, so that it goes with the process however that ends. What
/// lies in memory of it is the page cache's and not this process's. Throws DataError where the
/// folder cannot be written or the disk is full. Any thread; bytes that overlap one at a time.
class ScratchFile {
 public:
  ScratchFile(std::filesystem::path folder, ScratchUse use);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// To this size: zeros until written.
  void extend(int64_t bytes) const;
  void write(int64_t offset, std::span<const uint8_t> bytes) const;
  /// Fills `bytes` with what was written at `offset`.
  void read(int64_t offset, std::span<uint8_t> bytes) const;

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path folder_;
  ScratchUse use_;
  int descriptor_ = -1;
};

}  // namespace untiled
