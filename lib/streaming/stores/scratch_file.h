// A file without a name, for what does not fit into memory.
#pragma once

#include <cstdint>
#include <filesystem>

namespace untiled {

/// Gone with the object or the process. The page cache and not this process holds what is in
/// memory of it. Everything throws DataError where the folder's disk is full or fails. Threads may
/// write bytes that do not overlap and read bytes that nobody writes.
class ScratchFile {
 public:
  explicit ScratchFile(const std::filesystem::path& folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// To this size; zeros until written.
  void extend(int64_t bytes);
  void read(void* data, int64_t bytes, int64_t offset) const;
  void write(const void* data, int64_t bytes, int64_t offset);

 private:
  template <typename Call>
  void move(int64_t bytes, Call call) const;
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path folder_;
  int file_ = -1;
};

}  // namespace untiled
