#include "data/slide/fingerprint.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kEndBytes = 64 << 10;
constexpr int64_t kChunkBytes = 4 << 20;

struct FileState {
  int64_t size = 0;
  int64_t modified_ns = 0;
};

FileState state_of(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw DataError(fmt::format("{} cannot be examined: {}", path.string(), std::strerror(errno)));
  }
#ifdef __APPLE__
  const timespec& modified = status.st_mtimespec;
#else
  const timespec& modified = status.st_mtim;
#endif
  return {status.st_size, int64_t{modified.tv_sec} * 1'000'000'000 + modified.tv_nsec};
}

/// XXH3 with 128 bits over several pieces.
class Hasher {
 public:
  Hasher() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

  void add(const void* data, size_t size) { XXH3_128bits_update(state_.get(), data, size); }
  void add_number(uint64_t value) { add(&value, sizeof value); }
  std::string hex() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

std::vector<char> read_part(std::ifstream& file, int64_t offset, int64_t size) {
  std::vector<char> bytes(static_cast<size_t>(size));
  file.clear();
  file.seekg(offset);
  file.read(bytes.data(), size);
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

uint64_t hash_part(std::ifstream& file, int64_t offset, int64_t size) {
  const std::vector<char> bytes = read_part(file, offset, size);
  return XXH64(bytes.data(), bytes.size(), 0);
}

std::ifstream open_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw DataError(fmt::format("{} cannot be opened: {}", path.string(), std::strerror(errno)));
  }
  return file;
}

}  // namespace

std::string fingerprint(const SlideInfo& info) {
  Hasher hasher;
  for (const auto& path : info.files) {
    const FileState state = state_of(path);
    std::ifstream file = open_file(path);
    const int64_t ends = std::min(kEndBytes, state.size);
    hasher.add_number(static_cast<uint64_t>(state.size));
    hasher.add_number(static_cast<uint64_t>(state.modified_ns));
    hasher.add_number(hash_part(file, 0, ends));
    hasher.add_number(hash_part(file, state.size - ends, ends));
  }
  hasher.add(info.quickhash.data(), info.quickhash.size());
  return hasher.hex();
}

std::string content_hash(const SlideInfo& info) {
  Hasher hasher;
  for (const auto& path : info.files) {
    const int64_t size = state_of(path).size;
    std::ifstream file = open_file(path);
    hasher.add_number(static_cast<uint64_t>(size));
    for (int64_t offset = 0; offset < size; offset += kChunkBytes) {
      const std::vector<char> bytes = read_part(file, offset, std::min(kChunkBytes, size - offset));
      hasher.add(bytes.data(), bytes.size());
    }
  }
  return hasher.hex();
}

}  // namespace untiled
