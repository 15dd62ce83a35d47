#include "lib/streaming/stores/file_store.h"

#include <ATen/ops/empty.h>
namespace untiled {

FileStore::FileStore(int64_t channels, const Extent& extent, const BlockOptions& options,
                     const std::filesystem::path& folder)
    : BlockedStore(channels, extent, options), scratch_(folder, kStoredTensors) {
  scratch_.extend(size_bytes());
}

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
  auto* data = static_cast<uint8_t*>(value.data_ptr());
  const auto row_bytes = static_cast<size_t>(e.cols * element_bytes());
  for (int64_t c = 0; c < channels(); ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y, data += row_bytes) {
      scratch_.read(place(index, c, y, part.cols.begin), {data, row_bytes});
    }
  }
  return value.to(options().device);
}

void FileStore::save(size_t index, const Region& part, const at::Tensor& value) {
  const at::Tensor host = value.to(at::kCPU, options().dtype).contiguous();
  const auto* data = static_cast<const uint8_t*>(host.const_data_ptr());
  const auto row_bytes = static_cast<size_t>(part.cols.size() * element_bytes());
  for (int64_t c = 0; c < channels(); ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y, data += row_bytes) {
      scratch_.write(place(index, c, y, part.cols.begin), {data, row_bytes});
    }
  }
}

}  // namespace untiled
