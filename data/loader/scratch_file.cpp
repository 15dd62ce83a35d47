#include "data/loader/scratch_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

[[noreturn]] void fail(const std::filesystem::path& folder, const char* what) {
  throw DataError(
      fmt::format("{}: {} the slide cache failed: {}; free space there, set "
                  "run.scratch to a larger disk or data.cache to none",
                  folder.string(), what, std::strerror(errno)));
}

int open_nameless(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string name = (folder / "untiled-cache-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) fail(folder, "creating");
  unlink(name.c_str());
  return descriptor;
}

}  // namespace

ScratchFile::ScratchFile(std::filesystem::path folder)
    : folder_(std::move(folder)), descriptor_(open_nameless(folder_)) {}

ScratchFile::~ScratchFile() { close(descriptor_); }

void ScratchFile::write(int64_t offset, std::span<const uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(folder_, "writing");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void ScratchFile::read(int64_t offset, std::span<uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(folder_, "reading");
    if (count == 0) throw InternalError("the slide cache was read beyond what was written");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

}  // namespace untiled
