// Where benchmarks put what they make.
#pragma once

#include <filesystem>

namespace untiled {

/// A new folder that goes away with its owner, with all that is in it.
class WorkFolder {
 public:
  /// In `parent`, which is made if it is not there; the system's folder for such files where it is
  /// empty. Throws DataError.
  explicit WorkFolder(const std::filesystem::path& parent);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace untiled
