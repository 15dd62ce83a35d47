#include "data/slide/fingerprint.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/platform.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr int64_t kEndBytes = 64 << 10;
constexpr int64_t kChunkBytes = 4 << 20;

struct FileState {
  int64_t size = 0;
  int64_t modified_ns = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  bool is_folder = false;
};

FileState state_of(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw DataError(fmt::format("{} cannot be examined: {}", path.string(), std::strerror(errno)));
  }
  const timespec modified = modified_time(status);
  return {status.st_size, int64_t{modified.tv_sec} * 1'000'000'000 + modified.tv_nsec,
          static_cast<uint64_t>(status.st_dev), static_cast<uint64_t>(status.st_ino),
          S_ISDIR(status.st_mode)};
}

/// A file that is read by parts.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& path)
      : path_(path.string()), file_(path, std::ios::binary) {
    if (!file_) {
      throw DataError(fmt::format("{} cannot be opened: {}", path_, std::strerror(errno)));
    }
  }

  std::vector<char> read(int64_t offset, int64_t size) {
    std::vector<char> bytes(static_cast<size_t>(size));
    file_.seekg(offset);
    file_.read(bytes.data(), size);
    if (file_.gcount() != size) {
      throw DataError(
          fmt::format("{} cannot be read: {} bytes from byte {} were expected and {} came; see "
                      "that its disk is sound and nobody writes to it",
                      path_, size, offset, file_.gcount()));
    }
    return bytes;
  }

  uint64_t hash(int64_t offset, int64_t size) {
    const std::vector<char> bytes = read(offset, size);
    return XXH64(bytes.data(), bytes.size(), 0);
  }

 private:
  std::string path_;
  std::ifstream file_;
};

bool is_folder(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::is_directory(path, none);
}

/// All files of a folder and its folders, sorted; links to folders are not followed.
std::vector<std::filesystem::path> files_under(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code none;
    if (it->is_regular_file(none)) files.push_back(it->path());
  }
  if (error) {
    throw DataError(fmt::format("{} cannot be listed: {}", folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A file of a folder: its name there, size and time.
void add_state(const std::filesystem::path& folder, const std::filesystem::path& file,
               Hasher& hasher) {
  const FileState state = state_of(file);
  hasher.add_text(file.lexically_relative(folder).generic_string());
  hasher.add_number(static_cast<uint64_t>(state.size));
  hasher.add_number(static_cast<uint64_t>(state.modified_ns));
}

void add_content(const std::filesystem::path& path, Hasher& hasher) {
  const int64_t size = state_of(path).size;
  PartFile file(path);
  hasher.add_number(static_cast<uint64_t>(size));
  for (int64_t offset = 0; offset < size; offset += kChunkBytes) {
    throw_if_stopped();
    const std::vector<char> bytes = file.read(offset, std::min(kChunkBytes, size - offset));
    hasher.add(bytes.data(), bytes.size());
  }
}

void add_fingerprint(const std::vector<std::filesystem::path>& files, Hasher& hasher) {
  for (const auto& path : files) {
    if (is_folder(path)) {
      for (const auto& file : files_under(path)) add_state(path, file, hasher);
      continue;
    }
    const FileState state = state_of(path);
    PartFile file(path);
    const int64_t ends = std::min(kEndBytes, state.size);
    hasher.add_number(static_cast<uint64_t>(state.size));
    hasher.add_number(static_cast<uint64_t>(state.modified_ns));
    hasher.add_number(file.hash(0, ends));
    hasher.add_number(file.hash(state.size - ends, ends));
  }
}

}  // namespace

std::string fingerprint(const std::vector<std::filesystem::path>& files) {
  Hasher hasher;
  add_fingerprint(files, hasher);
  return hasher.hex();
}

std::string fingerprint(const SlideInfo& info) {
  Hasher hasher;
  add_fingerprint(info.files, hasher);
  hasher.add(info.quickhash.data(), info.quickhash.size());
  return hasher.hex();
}

std::string anonymous_id(const SlideInfo& info) {
  constexpr size_t kDigits = 12;
  return "slide-" + fingerprint(info).substr(0, kDigits);
}

std::string content_hash(const SlideInfo& info) {
  Hasher hasher;
  for (const auto& path : info.files) {
    if (!is_folder(path)) {
      add_content(path, hasher);
      continue;
    }
    for (const auto& file : files_under(path)) {
      hasher.add_text(file.lexically_relative(path).generic_string());
      add_content(file, hasher);
    }
  }
  return hasher.hex();
}

FileIdentity::File FileIdentity::facts_of(const std::filesystem::path& path) {
  const FileState state = state_of(path);
  if (state.is_folder) return {.path = path, .listing = fingerprint(std::vector{path})};
  return {.path = path,
          .size = state.size,
          .modified_ns = state.modified_ns,
          .device = state.device,
          .inode = state.inode};
}

uint64_t FileIdentity::ends_of(const File& file) {
  PartFile part(file.path);
  const int64_t ends = std::min(kEndBytes, file.size);
  const std::array<uint64_t, 2> hashes = {part.hash(0, ends), part.hash(file.size - ends, ends)};
  return XXH64(hashes.data(), sizeof(hashes), 0);
}

FileIdentity::FileIdentity(const std::vector<std::filesystem::path>& files) {
  for (const auto& path : files) {
    files_.push_back(facts_of(path));
    if (files_.back().listing.empty()) files_.back().ends = ends_of(files_.back());
  }
}

bool FileIdentity::is_same(const File& then, const File& now) {
  if (then.listing != now.listing) return false;
  if (!then.listing.empty()) return true;
  const bool looks_same = now.size == then.size && now.modified_ns == then.modified_ns;
  const bool is_same_place = now.device == then.device && now.inode == then.inode;
  return looks_same && (is_same_place || ends_of(now) == then.ends);
}

void FileIdentity::require_unchanged() const {
  for (const File& then : files_) {
    const File now = facts_of(then.path);
    if (is_same(then, now)) continue;
    throw DataError(
        fmt::format("{} was changed while it was in use: it is not the {} that this run began "
                    "with; put that back, or begin again with the new one",
                    then.path.string(), then.listing.empty() ? "file" : "folder"));
  }
}

}  // namespace untiled
