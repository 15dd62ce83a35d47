#include "lib/zarr/chunk_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/platform.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPage = 4096;

template <typename Open>
int open_in_new_folder(const fs::path& path, const Open& open) {
  int file = open();
  if (file >= 0 || errno != ENOENT) return file;
  make_folder(path.parent_path());
  file = open();
  return file;
}

int open_for_writing(const fs::path& path, int flags) {
  constexpr mode_t kMode = 0666;
  return open_in_new_folder(
      path, [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, kMode); });
}

void write_all(Descriptor& file, std::span<const uint8_t> bytes, uint64_t offset,
               const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw write_error(path, errno);
    offset += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  if (!file.close()) throw write_error(path, errno);
}

/// Memory that begins at a page, a thread's own.
class PageBuffer {
 public:
  uint8_t* of_size(size_t bytes) {
    if (bytes > size_) {
      data_.reset(static_cast<uint8_t*>(std::aligned_alloc(kPage, bytes)));
      size_ = data_ ? bytes : 0;
      if (!data_) throw std::bad_alloc();
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(uint8_t* data) const { std::free(data); }  // NOLINT: aligned_alloc's pair
  };
  std::unique_ptr<uint8_t, Free> data_;
  size_t size_ = 0;
};

std::span<const uint8_t> at_page(std::span<const uint8_t> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kPage == 0) return bytes;
  static thread_local PageBuffer buffer;
  uint8_t* const copy = buffer.of_size(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

/// Whether that worked; file systems in memory, for one, have no such way.
bool write_uncached(const fs::path& path, std::span<const uint8_t> bytes) {
  if (bytes.empty() || bytes.size() % kPage != 0) return false;
  Descriptor file(open_in_new_folder(
      path, [&] { return open_uncached(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC); }));
  if (!file.valid()) return false;
  write_all(file, at_page(bytes), 0, path);
  return true;
}

DataError unreadable(const fs::path& path, const std::string& reason) {
  return DataError(fmt::format("{} cannot be read: {}", path.string(), reason));
}

std::string system_reason(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace

void write_chunk_file(const fs::path& path, std::span<const uint8_t> bytes, bool uncached) {
  if (uncached && write_uncached(path, bytes)) return;
  Descriptor file(open_for_writing(path, O_TRUNC));
  if (!file.valid()) throw write_error(path, errno);
  write_all(file, bytes, 0, path);
}

void write_part(const fs::path& path, std::span<const uint8_t> bytes, uint64_t offset) {
  Descriptor file(open_for_writing(path, 0));
  if (!file.valid()) throw write_error(path, errno);
  write_all(file, bytes, offset, path);
}

ChunkFile::ChunkFile(fs::path path, int descriptor, uint64_t size)
    : path_(std::move(path)), file_(std::make_unique<Descriptor>(descriptor)), size_(size) {}

std::optional<ChunkFile> ChunkFile::open(const fs::path& path) {
  // O_NONBLOCK, so that a pipe of that name does not hold us up.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) return std::nullopt;
  if (descriptor < 0) throw unreadable(path, system_reason(errno));
  ChunkFile file(path, descriptor, 0);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw unreadable(path, system_reason(errno));
  if (!S_ISREG(status.st_mode)) {
    throw unreadable(
        path, S_ISDIR(status.st_mode) ? "it is a folder where a file belongs" : "it is no file");
  }
  file.size_ = static_cast<uint64_t>(status.st_size);
  return file;
}

Bytes ChunkFile::read(uint64_t offset, size_t bytes) const {
  if (offset > size_ || bytes > size_ - offset) {
    throw unreadable(
        path_, fmt::format("{} bytes from byte {} lie beyond its end at {}", bytes, offset, size_));
  }
  Bytes content(bytes);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count = ::pread(file_->get(), content.data() + done, bytes - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw unreadable(path_, system_reason(errno));
    if (count == 0) throw unreadable(path_, "it became shorter while it was read");
    done += static_cast<size_t>(count);
  }
  return content;
}

}  // namespace untiled
