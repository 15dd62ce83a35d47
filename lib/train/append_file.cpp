#include "lib/train/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

int open_file(const std::filesystem::path& path) {
  make_folder(path.parent_path());
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw write_error(path, errno);
  return descriptor;
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path, int64_t keep_bytes)
    : path_(std::move(path)), descriptor_(open_file(path_)), size_bytes_(keep_bytes) {
  const int64_t present = ::lseek(descriptor_, 0, SEEK_END);
  if (present >= keep_bytes && ::ftruncate(descriptor_, keep_bytes) == 0 &&
      ::lseek(descriptor_, keep_bytes, SEEK_SET) == keep_bytes) {
    return;
  }
  const DataError problem =
      present >= keep_bytes
          ? write_error(path_, errno)
          : DataError(fmt::format("{} has {} bytes where the checkpoint expects at least {}: "
                                  "put it back as it was or start a new run folder",
                                  path_.string(), present, keep_bytes));
  ::close(descriptor_);
  throw DataError(problem);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(descriptor_, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const DataError problem = write_error(path_, errno);
      if (::ftruncate(descriptor_, size_bytes_) == 0) ::lseek(descriptor_, size_bytes_, SEEK_SET);
      throw DataError(problem);
    }
    written += static_cast<size_t>(count);
  }
  size_bytes_ += static_cast<int64_t>(bytes.size());
}

void AppendFile::sync() const {
  if (::fsync(descriptor_) != 0) throw write_error(path_, errno);
}

}  // namespace untiled
