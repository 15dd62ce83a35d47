// A log that only grows, and that a resumed run cuts back to where its checkpoint was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace untiled {

/// Owns the open file. One thread at a time.
class AppendFile {
 public:
  /// Opens or creates the file and cuts it to its first `keep_bytes`. Throws DataError when it
  /// cannot, or when the file is shorter than that.
  AppendFile(std::filesystem::path path, int64_t keep_bytes);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Hands all of `bytes` to the system at once, so that a process killed later cannot lose them.
  /// Where they do not fit on the disk the file keeps its old end. Throws DataError.
  void append(std::string_view bytes);
  /// Waits until the disk has all of it.
  void sync() const;
  int64_t size_bytes() const { return size_bytes_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_bytes_ = 0;
};

}  // namespace untiled
