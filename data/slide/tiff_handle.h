// libtiff, wrapped once: a handle with its own error log, and a pool of them for threads.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace untiled {

/// An open TIFF and the last error that libtiff reported for it. One thread at a time.
class TiffHandle {
 public:
  /// Throws DataError with the system's reason, or libtiff's.
  explicit TiffHandle(const std::filesystem::path& path);

  TIFF* get() const { return tiff_.get(); }
  /// libtiff's last message, or "unknown reason".
  const std::string& error() const { return *error_; }
  /// Makes the directory at byte `offset` current. Throws DataError.
  void go_to(uint64_t offset);
  uint64_t directory() const { return directory_; }

 private:
  struct Closer {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  };

  std::filesystem::path path_;
  std::unique_ptr<std::string> error_;  // Stays where it is: libtiff holds its address.
  std::unique_ptr<TIFF, Closer> tiff_;
  uint64_t directory_ = 0;
};

/// Handles of one file, as many as there are threads that read at once. Any thread.
class TiffPool {
 public:
  /// At most `most_idle` handles, each an open file, wait for the next reader.
  explicit TiffPool(std::filesystem::path path, size_t most_idle = 8)
      : path_(std::move(path)), most_idle_(most_idle) {}

  /// A handle to use alone, at that directory. Throws DataError.
  std::unique_ptr<TiffHandle> take(uint64_t directory) const;
  /// Gives a handle back; one whose read failed is dropped instead.
  void give_back(std::unique_ptr<TiffHandle> handle) const;

 private:
  std::filesystem::path path_;
  size_t most_idle_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<TiffHandle>> idle_;
};

}  // namespace untiled
