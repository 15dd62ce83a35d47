// What the fuzz targets share. A target gives libFuzzer's bytes to one reader; an error for the
// user is how readers refuse, anything else that leaves them is a fault.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "lib/core/error.h"

namespace untiled {

/// Runs `read`, which may refuse what it reads.
inline int refusing(const std::function<void()>& read) {
  try {
    read();
  } catch (const DataError&) {
  } catch (const ConfigError&) {
  }
  return 0;
}

inline std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A file of these bytes, in memory where the system has such a folder. One a process.
inline std::filesystem::path as_file(std::span<const uint8_t> bytes, const std::string& ending) {
  const std::filesystem::path memory = "/dev/shm";
  static const std::filesystem::path folder =
      std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  const std::filesystem::path path =
      folder / ("untiled-fuzz-" + std::to_string(::getpid()) + ending);
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
      std::fclose(file) != 0) {
    std::abort();  // Nothing would be tested.
  }
  return path;
}

}  // namespace untiled

/// Defines libFuzzer's entry: the body, in braces, reads `bytes`.
#define UNTILED_FUZZ_TARGET(...)                                            \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    const std::span<const uint8_t> bytes(data, size);                       \
    return untiled::refusing([bytes] __VA_ARGS__);                          \
  }
