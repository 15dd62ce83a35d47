#include "lib/core/scratch_file.h"

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

ScratchFile::ScratchFile(std::filesystem::path folder, ScratchUse use)
    : folder_(std::move(folder)), use_(use) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  std::string name = (folder_ / "untiled-XXXXXX").string();
  descriptor_ = mkstemp(name.data());
  if (descriptor_ < 0) fail("creating a file for");
  unlink(name.c_str());
}

void ScratchFile::fail(const char* doing) const {
  throw DataError(fmt::format("{}: {} {} failed: {}; {}", folder_.string(), doing, use_.what,
                              std::strerror(errno), use_.advice));
}

ScratchFile::~ScratchFile() { close(descriptor_); }

void ScratchFile::extend(int64_t bytes) const {
  if (ftruncate(descriptor_, bytes) != 0) fail("making room for");
}

void ScratchFile::write(int64_t offset, std::span<const uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("writing");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void ScratchFile::read(int64_t offset, std::span<uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("reading");
    if (count == 0) throw InternalError("a scratch file was read beyond its end");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

}  // namespace untiled
