#include "data/slide/tiff_handle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "lib/core/error.h"

namespace untiled {
namespace {

int record_error(TIFF* /*tiff*/, void* log, const char* /*module*/, const char* format,
                 va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  *static_cast<std::string*>(log) = text.data();
  return 1;  // Handled: libtiff's global handler stays silent.
}

int ignore_warning(TIFF* /*tiff*/, void* /*log*/, const char* /*module*/, const char* /*format*/,
                   va_list /*arguments*/) {
  return 1;
}

/// A claim of a file; lists of a hundred million tiles, and strips that are decoded whole, take
/// less.
constexpr tmsize_t kMostBytesAtOnce = tmsize_t{4} << 30;

struct OptionsFree {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// Opened here, because libtiff tells no difference between a file that it may not open and a
/// damaged one.
int open_file(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw DataError(fmt::format("{} cannot be opened: {}", path.string(), std::strerror(errno)));
  }
  return descriptor;
}

/// Without memory mapping ("m"), so that pages of the file do not count as the process's memory.
TIFF* open_tiff(const std::filesystem::path& path, std::string* log) {
  const std::unique_ptr<TIFFOpenOptions, OptionsFree> options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), record_error, log);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostBytesAtOnce);
  const int descriptor = open_file(path);
  TIFF* const tiff = TIFFFdOpenExt(descriptor, path.c_str(), "rm", options.get());
  if (tiff == nullptr) close(descriptor);
  return tiff;
}

}  // namespace

TiffHandle::TiffHandle(const std::filesystem::path& path)
    : path_(path),
      error_(std::make_unique<std::string>("unknown reason")),
      tiff_(open_tiff(path, error_.get())) {
  if (!tiff_) {
    throw DataError(
        fmt::format("{} is a damaged TIFF ({}): copy it again", path.string(), error()));
  }
  directory_ = TIFFCurrentDirOffset(tiff_.get());
}

void TiffHandle::go_to(uint64_t offset) {
  if (offset == directory_) return;
  directory_ = 0;
  if (TIFFSetSubDirectory(tiff_.get(), offset) == 0) {
    throw DataError(fmt::format("{} is damaged: its TIFF directory at byte {} cannot be read ({})",
                                path_.string(), offset, error()));
  }
  directory_ = offset;
}

std::unique_ptr<TiffHandle> TiffPool::take(uint64_t directory) const {
  std::unique_ptr<TiffHandle> handle;
  {
    const std::lock_guard lock(mutex_);
    auto best = std::find_if(idle_.begin(), idle_.end(), [&](const auto& candidate) {
      return candidate->directory() == directory;
    });
    if (best == idle_.end() && !idle_.empty()) best = idle_.begin();
    if (best != idle_.end()) {
      handle = std::move(*best);
      idle_.erase(best);
    }
  }
  if (!handle) handle = std::make_unique<TiffHandle>(path_);
  handle->go_to(directory);
  return handle;
}

void TiffPool::give_back(std::unique_ptr<TiffHandle> handle) const {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < most_idle_) idle_.push_back(std::move(handle));
}

}  // namespace untiled
