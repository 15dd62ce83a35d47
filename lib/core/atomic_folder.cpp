#include "lib/core/atomic_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/platform.h"
#include "lib/core/without_slash.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

fs::path temporary_name(const fs::path& destination) {
  static std::atomic<int> count{0};
  fs::path name = destination;
  name += fmt::format(".{}.{}.part", ::getpid(), count++);
  return name;
}

void remove_whole(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

}  // namespace

AtomicFolder::AtomicFolder(fs::path destination)
    : destination_(without_slash(std::move(destination))),
      temporary_(temporary_name(destination_)) {
  std::error_code error;
  if (fs::exists(destination_, error) && !fs::is_directory(destination_, error)) {
    throw DataError(fmt::format("{}: is not a folder that can be replaced; choose another name",
                                destination_.string()));
  }
  remove_whole(temporary_);  // Of a process that had this number and was killed.
  make_folder(temporary_);
}

AtomicFolder::~AtomicFolder() {
  if (!committed_) remove_whole(temporary_);
}

void AtomicFolder::commit() {
  flush_file_system(temporary_.c_str());
  const fs::path old = temporary_name(destination_);
  const bool replaces = ::rename(destination_.c_str(), old.c_str()) == 0;
  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) {
    const int reason = errno;
    if (replaces) std::rename(old.c_str(), destination_.c_str());
    throw write_error(destination_, reason);
  }
  committed_ = true;
  if (replaces) remove_whole(old);
  flush_file_system(destination_.parent_path().empty() ? "." : destination_.parent_path().c_str());
}

}  // namespace untiled
