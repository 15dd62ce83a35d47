#include "lib/core/program_module.h"

#include <filesystem>
#include <system_error>

#include "lib/core/platform.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

#ifdef __APPLE__
constexpr const char* kEnding = ".dylib";
#else
constexpr const char* kEnding = ".so";
#endif

}  // namespace

std::string find_program_module(const std::string& name) {
  const std::string file = "lib" + name + kEnding;
  const fs::path folder = own_program().parent_path();
  for (const fs::path& path : {folder / file, folder.parent_path() / "lib" / file}) {
    std::error_code error;
    if (fs::exists(path, error)) return path.string();
  }
  return "";
}

}  // namespace untiled
