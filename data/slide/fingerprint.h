// What tells one slide from another, and from an older version of itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/slide/reader.h"

namespace untiled {

/// 32 hex digits from the sizes, times (ns), first and last 64 KiB of all the slide's files, and
/// OpenSlide's quickhash. Of a slide that is a folder: from the names, sizes and times of all files
/// in it. Reads little. Throws DataError when a file is gone.
std::string fingerprint(const SlideInfo& info);
/// The same of any files and folders.
std::string fingerprint(const std::vector<std::filesystem::path>& files);

/// "slide-" and 12 digits of the fingerprint: a name that identifies no patient. Throws DataError.
std::string anonymous_id(const SlideInfo& info);

/// 32 hex digits (XXH3, 128 bits) from every byte of all the slide's files, in order of name.
/// Throws DataError when a file is gone, and Interrupted.
std::string content_hash(const SlideInfo& info);

/// What files were when a run began, to tell at each later open whether they still are. Any thread.
class FileIdentity {
 public:
  /// Files and folders. Reads little of each, and lists a folder. Throws DataError when one is
  /// gone.
  explicit FileIdentity(const std::vector<std::filesystem::path>& files);

  /// Throws DataError naming the first file that is gone or is another one: its size, time, or
  /// first or last 64 KiB differ; or the first folder in which a file's name, size or time does.
  /// What was moved away and back, times kept, is the same.
  void require_unchanged() const;

 private:
  struct File {
    std::filesystem::path path;
    int64_t size = 0;
    int64_t modified_ns = 0;
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t ends = 0;    ///< Hash of its first and last bytes.
    std::string listing;  ///< Of a folder, for which the others are not known.
  };
  static File facts_of(const std::filesystem::path& path);
  static uint64_t ends_of(const File& file);
  static bool is_same(const File& then, const File& now);

  std::vector<File> files_;
};

}  // namespace untiled
