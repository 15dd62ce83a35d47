// What the fuzz targets share. A target gives bytes to one reader; an error for the user is how
// readers refuse, anything else that leaves them is a fault.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "lib/core/error.h"
#include "lib/core/thread_silence.h"

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

inline std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// A folder of this process, in memory where the system has such a place; gone when it ends.
inline std::filesystem::path as_folder() {
  struct Folder {
    std::filesystem::path path;
    Folder() {
      const std::filesystem::path memory = "/dev/shm";
      path = (std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path()) /
             ("untiled-fuzz-" + std::to_string(::getpid()));
      std::filesystem::create_directories(path);
    }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

inline void put_file(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
      std::fclose(file) != 0) {
    std::abort();  // Nothing would be tested.
  }
}

/// A file of these bytes, the same one for each ending.
inline std::filesystem::path as_file(std::span<const uint8_t> bytes, const std::string& ending) {
  const std::filesystem::path path = as_folder() / ("input" + ending);
  put_file(path, bytes);
  return path;
}

}  // namespace untiled

/// Defines libFuzzer's entry, or where targets stand in one program (replay.cpp) a function of the
/// target's own: the body, in braces, reads `bytes`.
#ifndef UNTILED_FUZZ_ENTRY
#define UNTILED_FUZZ_ENTRY LLVMFuzzerTestOneInput
#endif
#define UNTILED_FUZZ_TARGET(...)                                        \
  extern "C" int UNTILED_FUZZ_ENTRY(const uint8_t* data, size_t size) { \
    untiled::silence_thread();                                          \
    const std::span<const uint8_t> bytes(data, size);                   \
    return untiled::refusing([bytes] __VA_ARGS__);                      \
  }
