// Files that a CUDA device's memory is read from and written to by KvikIO. Opened at run time,
// after the driver was found: every call of KvikIO's fails without one.
#include <algorithm>
#include <cstring>
#include <exception>
#include <future>
#include <kvikio/defaults.hpp>
#include <kvikio/file_handle.hpp>
#include <string_view>
#include <vector>

#include "lib/cuda/file_part.h"

namespace {

constexpr int kFailed = -1;

void tell(std::string_view what, char* text, size_t size) {
  const size_t length = std::min(what.size(), size - 1);
  std::memcpy(text, what.data(), length);
  text[length] = 0;
}

int mode_of(const kvikio::FileHandle& file) {
  return file.get_compat_mode_manager().is_compat_mode_preferred() ? 0 : 1;
}

/// Direct storage pays with many requests at once; KvikIO's own default is one.
void use_several_threads() {
  constexpr unsigned kThreads = 16;
  static const bool done = [] {
    kvikio::defaults::set_thread_pool_nthreads(kThreads);
    return true;
  }();
  static_cast<void>(done);
}

/// Reads of one file, all of which end before the file is closed.
class Reads {
 public:
  explicit Reads(const char* path) : file_(path, "r") {}
  ~Reads() {
    for (const auto& read : begun_) {
      if (read.valid()) read.wait();
    }
  }
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;

  void begin(const untiled::FilePart& part) {
    begun_.push_back(file_.pread(part.memory, part.bytes, part.offset,
                                 kvikio::defaults::task_size(), kvikio::defaults::gds_threshold(),
                                 /*sync_default_stream=*/false));
  }
  /// Bytes that were read.
  size_t end() {
    size_t bytes = 0;
    for (auto& read : begun_) bytes += read.get();
    return bytes;
  }
  int mode() const { return mode_of(file_); }

 private:
  kvikio::FileHandle file_;
  std::vector<std::future<size_t>> begun_;
};

}  // namespace

extern "C" {

/// Writes a new file. 1: by GPUDirect Storage, 0: by the host (KvikIO's compatibility mode), -1:
/// not, and `text` says why.
int untiled_kvikio_write(const char* path, const void* memory, size_t bytes, char* text,
                         size_t text_size) {
  constexpr mode_t kMode = 0666;
  try {
    kvikio::FileHandle file(path, "w", kMode);
    const size_t written = file.write(memory, bytes, 0, 0, /*sync_default_stream=*/false);
    if (written == bytes) return mode_of(file);
    tell("less was written than asked for", text, text_size);
  } catch (const std::exception& error) {
    tell(error.what(), text, text_size);
  }
  return kFailed;
}

/// Reads parts of a file, several at once; gives what `untiled_kvikio_write` gives.
int untiled_kvikio_read(const char* path, const untiled::FilePart* parts, size_t count, char* text,
                        size_t text_size) {
  try {
    use_several_threads();
    Reads reads(path);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      reads.begin(parts[i]);
      bytes += parts[i].bytes;
    }
    if (reads.end() == bytes) return reads.mode();
    tell("the file ends early", text, text_size);
  } catch (const std::exception& error) {
    tell(error.what(), text, text_size);
  }
  return kFailed;
}

/// What `untiled_kvikio_write` would give on this machine.
int untiled_kvikio_mode(char* text, size_t text_size) {
  try {
    return kvikio::defaults::is_compat_mode_preferred() ? 0 : 1;
  } catch (const std::exception& error) {
    tell(error.what(), text, text_size);
  }
  return kFailed;
}
}
