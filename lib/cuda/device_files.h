// Files that are read into a device's memory and written from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "lib/core/opened_library.h"
#include "lib/cuda/driver_calls.h"
#include "lib/cuda/file_part.h"

namespace untiled {

/// KvikIO's library of ours beside the program, or an empty text where it was not built.
std::string find_kvikio_library();

/// Reads and writes by KvikIO: by GPUDirect Storage where the system has it, else through the
/// host's memory. Any thread.
class DeviceFiles {
 public:
  /// A driver must be there. Throws ConfigError that says what is missing and what to do.
  static std::shared_ptr<const DeviceFiles> open(
      const std::string& library = find_kvikio_library());

  /// A new file in a folder that is there. Throws WriteError that names the file.
  void write(const std::filesystem::path& path, DeviceAddress memory, int64_t bytes) const;

  /// Parts of a file into the device's memory, all of them. Throws DataError that names the file.
  void read(const std::filesystem::path& path, std::span<const FilePart> parts) const;

  /// How files were read and written: "gds", "posix", "gds and posix", or "" before the first.
  std::string modes() const;
  /// How they would be: "gds" or "posix". Throws ConfigError.
  std::string expected_mode() const;

 private:
  using Write = int(const char* path, const void* memory, size_t bytes, char* text, size_t size);
  using Read = int(const char* path, const FilePart* parts, size_t count, char* text, size_t size);
  using Mode = int(char* text, size_t size);

  explicit DeviceFiles(OpenedLibrary library);
  void remember(int mode) const;

  OpenedLibrary library_;
  Write* write_;
  Read* read_;
  Mode* mode_;
  mutable std::atomic<bool> used_gds_ = false;
  mutable std::atomic<bool> used_posix_ = false;
};

}  // namespace untiled
