#include "lib/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "lib/core/descriptor.h"
#include "lib/core/regular_file.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

Descriptor open_file(const fs::path& path, int flags) {
  constexpr mode_t kMode = 0666;
  return Descriptor(::open(path.c_str(), flags | O_CLOEXEC, kMode));
}

fs::path temporary_name(const fs::path& destination) {
  static std::atomic<int> count{0};
  fs::path name = destination;
  name += fmt::format(".{}.{}.part", ::getpid(), count++);
  return name;
}

/// So that the new name itself survives a power cut. Not every file system can, hence no check.
void flush_folder(const fs::path& folder) {
  const Descriptor descriptor = open_file(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (descriptor.valid()) ::fsync(descriptor.get());
}

void write_all(const Descriptor& descriptor, std::string_view content, const fs::path& file) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_error(file, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

std::string hint(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "no space left; free some or choose another folder";
    case EFBIG:
      return "no space left under this process's file size limit; raise it (ulimit -f)";
    case EROFS:
      return "the file system is read-only; choose another folder";
    case EACCES:
    case EPERM:
      return "permission denied; choose a folder that you may write to";
    default:
      return std::generic_category().message(error_number);
  }
}

}  // namespace

WriteError write_error(const fs::path& file, int error_number) {
  return WriteError(fmt::format("{}: cannot be written: {}", file.string(), hint(error_number)));
}

void make_folder(const fs::path& folder) {
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error && !fs::is_directory(folder)) throw write_error(folder, error.value());
}

AtomicFile::AtomicFile(fs::path destination)
    : destination_(std::move(destination)), temporary_(temporary_name(destination_)) {
  std::error_code error;
  if (fs::exists(destination_, error) && !fs::is_regular_file(destination_, error)) {
    throw DataError(fmt::format("{}: is not a file that can be replaced; choose another name",
                                destination_.string()));
  }
  make_folder(destination_.parent_path());
  if (!open_file(temporary_, O_WRONLY | O_CREAT | O_TRUNC).valid()) {
    throw write_error(destination_, errno);
  }
}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view content) const {
  Descriptor descriptor = open_file(temporary_, O_WRONLY | O_TRUNC);
  if (!descriptor.valid()) throw write_error(destination_, errno);
  write_all(descriptor, content, destination_);
  if (!descriptor.close()) throw write_error(destination_, errno);
}

void AtomicFile::commit() {
  Descriptor descriptor = open_file(temporary_, O_RDWR);
  if (!descriptor.valid() || ::fsync(descriptor.get()) != 0 || !descriptor.close() ||
      ::rename(temporary_.c_str(), destination_.c_str()) != 0) {
    throw write_error(destination_, errno);
  }
  committed_ = true;
  flush_folder(destination_.parent_path());
}

void write_file(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

std::string read_file(const fs::path& path) {
  const auto failed = [&path](int error_number) {
    return DataError(fmt::format("{}: cannot be read: {}", path.string(),
                                 std::generic_category().message(error_number)));
  };
  // Opening a pipe without a writer would wait for one.
  const Descriptor descriptor = open_file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!descriptor.valid() || ::fstat(descriptor.get(), &status) != 0) throw failed(errno);
  if (const auto other = not_a_file(status)) {
    throw DataError(fmt::format("{}: is {}; give a file", path.string(), *other));
  }
  std::string content;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t count = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw failed(errno);
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace untiled
