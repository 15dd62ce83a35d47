// Folders that appear whole or not at all.
#pragma once

#include <filesystem>

namespace untiled {

/// A folder under a temporary name beside its destination ("<name>.<pid>.<n>.part"); `commit`
/// renames it into place, and the destructor removes it with all that is in it if that did not
/// happen. What is written into it belongs under `path()`.
class AtomicFolder {
 public:
  /// Creates missing parent folders and the empty temporary folder. Throws DataError when it cannot
  /// be made, or when the destination is there and no folder.
  explicit AtomicFolder(std::filesystem::path destination);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const { return temporary_; }
  const std::filesystem::path& destination() const { return destination_; }
  /// Flushes the file system and renames the folder; one that has the destination's name goes, with
  /// all that is in it. Throws DataError.
  void commit();

 private:
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace untiled
