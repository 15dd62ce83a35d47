#include "lib/streaming/stores/scratch_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {

ScratchFile::ScratchFile(const std::filesystem::path& folder) : folder_(folder) {
  make_folder(folder);
  std::string name = (folder / "untiled-XXXXXX").string();
  file_ = mkstemp(name.data());
  if (file_ < 0) fail("cannot create a file");
  unlink(name.c_str());
}

ScratchFile::~ScratchFile() { close(file_); }

void ScratchFile::extend(int64_t bytes) {
  if (ftruncate(file_, bytes) != 0) fail("cannot extend a file");
}

void ScratchFile::read(void* data, int64_t bytes, int64_t offset) const {
  move(bytes, [&](int64_t done) {
    return pread(file_, static_cast<char*>(data) + done, static_cast<size_t>(bytes - done),
                 offset + done);
  });
}

void ScratchFile::write(const void* data, int64_t bytes, int64_t offset) {
  move(bytes, [&](int64_t done) {
    return pwrite(file_, static_cast<const char*>(data) + done, static_cast<size_t>(bytes - done),
                  offset + done);
  });
}

template <typename Call>
void ScratchFile::move(int64_t bytes, Call call) const {
  for (int64_t done = 0; done < bytes;) {
    const ssize_t n = call(done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("cannot read or write a file");
    done += n;
  }
}

void ScratchFile::fail(const char* what) const {
  throw DataError(
      fmt::format("run.scratch {}: {} for stored tensors: {}; free space there or "
                  "raise memory_budget",
                  folder_.string(), what, std::strerror(errno)));
}

}  // namespace untiled
