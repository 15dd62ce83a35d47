#include "app/tile_bench/work_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "lib/core/atomic_file.h"

namespace untiled {

namespace fs = std::filesystem;

WorkFolder::WorkFolder(const fs::path& parent) {
  const fs::path place = parent.empty() ? fs::temp_directory_path() : parent;
  make_folder(place);
  std::string name = (place / "untiled-bench.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw write_error(name, errno);
  path_ = name;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace untiled
