#include "lib/cuda/device_files.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/program_module.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTextSize = 1024;

void* function_of(void* library, const char* name) {
  void* function = dlsym(library, name);
  if (function == nullptr) throw ConfigError(fmt::format("KvikIO cannot be used: {}", dlerror()));
  return function;
}

}  // namespace

std::string find_kvikio_library() { return find_program_module("untiled_kvikio"); }

std::shared_ptr<const DeviceFiles> DeviceFiles::open(const std::string& library) {
  if (library.empty()) {
    throw ConfigError(
        "--kvikio: this program was built without KvikIO; fetch it with scripts/setup.sh --cuda "
        "and build again, or leave the option out");
  }
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw ConfigError(fmt::format("KvikIO cannot be opened: {}", dlerror()));
  return std::shared_ptr<const DeviceFiles>(new DeviceFiles(handle));
}

DeviceFiles::DeviceFiles(void* library)
    : write_(reinterpret_cast<Write*>(function_of(library, "untiled_kvikio_write"))),
      read_(reinterpret_cast<Read*>(function_of(library, "untiled_kvikio_read"))),
      mode_(reinterpret_cast<Mode*>(function_of(library, "untiled_kvikio_mode"))) {}

void DeviceFiles::write(const fs::path& path, DeviceAddress memory, int64_t bytes) const {
  std::array<char, kTextSize> text{};
  const auto* from = device_pointer<const void>(memory);
  const int mode = write_(path.c_str(), from, static_cast<size_t>(bytes), text.data(), text.size());
  if (mode < 0) {
    throw WriteError(fmt::format("{} cannot be written by KvikIO: {}", path.string(), text.data()));
  }
  remember(mode);
}

void DeviceFiles::read(const fs::path& path, std::span<const FilePart> parts) const {
  std::array<char, kTextSize> text{};
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
  std::array<char, kTextSize> text{};
  const int mode = mode_(text.data(), text.size());
  if (mode < 0) throw ConfigError(fmt::format("KvikIO cannot be used: {}", text.data()));
  return mode > 0 ? "gds" : "posix";
}

}  // namespace untiled
