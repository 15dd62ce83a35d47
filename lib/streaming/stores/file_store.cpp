#include "lib/streaming/stores/file_store.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {

/// pread and pwrite only.
class FileStore::Scratch {
 public:
  explicit Scratch(const std::filesystem::path& folder) : folder_(folder) {
    make_folder(folder);
    std::string name = (folder / "untiled-XXXXXX").string();
    file_ = mkstemp(name.data());
    if (file_ < 0) fail("cannot create a file");
    unlink(name.c_str());
  }
  ~Scratch() { close(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void extend(int64_t bytes) {
    if (ftruncate(file_, bytes) != 0) fail("cannot extend a file");
  }
  void read(void* data, int64_t bytes, int64_t offset) const {
    move(bytes, [&](int64_t done) {
      return pread(file_, static_cast<char*>(data) + done, static_cast<size_t>(bytes - done),
                   offset + done);
    });
  }
  void write(const void* data, int64_t bytes, int64_t offset) {
    move(bytes, [&](int64_t done) {
      return pwrite(file_, static_cast<const char*>(data) + done, static_cast<size_t>(bytes - done),
                    offset + done);
    });
  }

 private:
  template <typename Call>
  void move(int64_t bytes, Call call) const {
    for (int64_t done = 0; done < bytes;) {
      const ssize_t n = call(done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("cannot read or write a file");
      done += n;
    }
  }
  [[noreturn]] void fail(const char* what) const {
    throw DataError(
        fmt::format("run.scratch {}: {} for stored tensors: {}; free space there or "
                    "raise memory_budget",
                    folder_.string(), what, std::strerror(errno)));
  }

  std::filesystem::path folder_;
  int file_ = -1;
};

FileStore::FileStore(int64_t channels, const Extent& extent, const BlockOptions& options,
                     const std::filesystem::path& folder)
    : BlockedStore(channels, extent, options), scratch_(std::make_unique<Scratch>(folder)) {
  scratch_->extend(size_bytes());
}

FileStore::~FileStore() = default;

/// Where a value lies in the file.
int64_t FileStore::place(size_t index, int64_t channel, int64_t row, int64_t col) const {
  const Region& all = block(index).region;
  const int64_t element =
      (channel * all.rows.size() + row - all.rows.begin) * all.cols.size() + col - all.cols.begin;
  return block(index).offset + element * element_bytes();
}

at::Tensor FileStore::load(size_t index, const Region& part) const {
  const Extent e = part.extent();
  at::Tensor value = at::empty({channels(), e.rows, e.cols}, options().dtype);
  auto* data = static_cast<char*>(value.data_ptr());
  const int64_t row_bytes = e.cols * element_bytes();
  for (int64_t c = 0; c < channels(); ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y, data += row_bytes) {
      scratch_->read(data, row_bytes, place(index, c, y, part.cols.begin));
    }
  }
  return value.to(options().device);
}

void FileStore::save(size_t index, const Region& part, const at::Tensor& value) {
  const at::Tensor host = value.to(at::kCPU, options().dtype).contiguous();
  const auto* data = static_cast<const char*>(host.const_data_ptr());
  const int64_t row_bytes = part.cols.size() * element_bytes();
  for (int64_t c = 0; c < channels(); ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y, data += row_bytes) {
      scratch_->write(data, row_bytes, place(index, c, y, part.cols.begin));
    }
  }
}

}  // namespace untiled
