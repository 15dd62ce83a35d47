// Files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lib/core/error.h"

namespace untiled {

/// An output that could not be written.
class WriteError : public DataError {
 public:
  using DataError::DataError;
};

/// A file under a temporary name in the folder of its destination ("<name>.<pid>.<n>.part");
/// `commit` renames it into place, and the destructor removes it if that did not happen. For
/// writers that need a path (libtiff, libpng): write to `path()`, close, then commit.
class AtomicFile {
 public:
  /// Creates missing parent folders and the empty temporary file. Throws DataError when the folder
  /// cannot be written or the destination is something other than a file.
  explicit AtomicFile(std::filesystem::path destination);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const { return temporary_; }
  const std::filesystem::path& destination() const { return destination_; }
  /// Writes the whole content. Throws DataError (a full disk, say).
  void write(std::string_view content) const;
  /// Flushes the file to the disk and renames it. Throws DataError (a full disk, say).
  void commit();

 private:
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Writes `content` to `path`, whole or not at all. Throws DataError.
void write_file(const std::filesystem::path& path, std::string_view content);

/// The whole content of a file. Throws DataError naming it.
std::string read_file(const std::filesystem::path& path);

/// Creates a folder and its parents. Throws DataError naming it.
void make_folder(const std::filesystem::path& folder);

/// What to throw when writing `file` failed with this errno; for a full disk or a size limit it
/// says so and what to do.
WriteError write_error(const std::filesystem::path& file, int error_number);

}  // namespace untiled
