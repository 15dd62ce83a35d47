#include "lib/cuda/device_files.h"

#include <fmt/format.h>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/program_module.h"

namespace untiled {

namespace fs = std::filesystem;

std::string find_kvikio_library() { return find_program_module("untiled_kvikio"); }

std::shared_ptr<const DeviceFiles> DeviceFiles::open(const std::string& library) {
  if (library.empty()) {
    throw ConfigError(
        "--kvikio: this program was built without KvikIO; fetch it with scripts/setup.sh --cuda "
        "and build again, or leave the option out");
  }
  return std::shared_ptr<const DeviceFiles>(
      new DeviceFiles({"KvikIO", "leave --kvikio and --kvikio-read out, or repair it", library}));
}

DeviceFiles::DeviceFiles(OpenedLibrary library)
    : library_(std::move(library)),
      write_(library_.function<Write>("untiled_kvikio_write")),
      read_(library_.function<Read>("untiled_kvikio_read")),
      mode_(library_.function<Mode>("untiled_kvikio_mode")) {}

void DeviceFiles::write(const fs::path& path, DeviceAddress memory, int64_t bytes) const {
  LibraryText text{};
  const auto* from = device_pointer<const void>(memory);
  const int mode = write_(path.c_str(), from, static_cast<size_t>(bytes), text.data(), text.size());
  if (mode < 0) {
    throw WriteError(fmt::format("{} cannot be written by KvikIO: {}", path.string(), text.data()));
  }
  remember(mode);
}

void DeviceFiles::read(const fs::path& path, std::span<const FilePart> parts) const {
  LibraryText text{};
  const int mode = read_(path.c_str(), parts.data(), parts.size(), text.data(), text.size());
  if (mode < 0) {
    throw DataError(fmt::format("{} cannot be read by KvikIO: {}", path.string(), text.data()));
  }
  remember(mode);
}

void DeviceFiles::remember(int mode) const { (mode > 0 ? used_gds_ : used_posix_) = true; }

std::string DeviceFiles::modes() const {
  if (used_gds_ && used_posix_) return "gds and posix";
  return used_gds_ ? "gds" : used_posix_ ? "posix" : "";
}

std::string DeviceFiles::expected_mode() const {
  LibraryText text{};
  const int mode = mode_(text.data(), text.size());
  if (mode < 0) library_.refuse(text.data());
  return mode > 0 ? "gds" : "posix";
}

}  // namespace untiled
