// Files that a CUDA device's memory is written to by KvikIO. Opened at run time, after the driver
// was found: every call of KvikIO's fails without one.
#include <algorithm>
#include <cstring>
#include <exception>
#include <kvikio/defaults.hpp>
#include <kvikio/file_handle.hpp>
#include <string_view>

namespace {

constexpr int kFailed = -1;

void tell(std::string_view what, char* text, size_t size) {
  const size_t length = std::min(what.size(), size - 1);
  std::memcpy(text, what.data(), length);
  text[length] = 0;
}

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
    if (written == bytes) return file.get_compat_mode_manager().is_compat_mode_preferred() ? 0 : 1;
    tell("less was written than asked for", text, text_size);
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
