#include "lib/zarr/shard_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/codecs/crc32c.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr size_t kEntryBytes = 16;
constexpr size_t kSumBytes = 4;

void put_number(uint8_t* onto, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) onto[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t number_at(const uint8_t* from, size_t bytes, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value = value << 8 | from[big_endian ? i : bytes - 1 - i];
  }
  return value;
}

void require_inside(const ShardEntry& entry, size_t at, uint64_t file_bytes) {
  if (entry.empty()) return;
  if (entry.offset <= file_bytes && entry.size <= file_bytes - entry.offset) return;
  throw DataError(
      fmt::format("its index puts chunk {} at byte {} with {} bytes, beyond the file's end at {}",
                  at, entry.offset, entry.size, file_bytes));
}

}  // namespace

size_t entries_per_shard(const ArrayMetadata& metadata) {
  size_t count = 1;
  for (const int64_t chunks : chunks_per_file(metadata)) count *= static_cast<size_t>(chunks);
  return count;
}

size_t index_bytes(const ArrayMetadata& metadata) {
  return entries_per_shard(metadata) * kEntryBytes + (metadata.index_has_sum ? kSumBytes : 0);
}

Bytes encode_index(const ShardIndex& index) {
  Bytes bytes(index.size() * kEntryBytes + kSumBytes);
  uint8_t* at = bytes.data();
  for (const ShardEntry& entry : index) {
    put_number(at, entry.offset, 8);
    put_number(at + 8, entry.size, 8);
    at += kEntryBytes;
  }
  put_number(at, crc32c({bytes.data(), bytes.size() - kSumBytes}), kSumBytes);
  return bytes;
}

ShardIndex decode_index(const ArrayMetadata& metadata, std::span<const uint8_t> bytes,
                        uint64_t file_bytes) {
  const size_t count = entries_per_shard(metadata);
  if (bytes.size() != index_bytes(metadata)) {
    throw InternalError("a shard's index of another size than its metadata say");
  }
  if (metadata.index_has_sum) {
    const auto entries = bytes.first(count * kEntryBytes);
    if (crc32c(entries) != number_at(bytes.data() + entries.size(), kSumBytes, false)) {
      throw DataError("the crc32c of its index is not that of its bytes");
    }
  }
  ShardIndex index(count);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* const at = bytes.data() + i * kEntryBytes;
    index[i] = {number_at(at, 8, metadata.index_big_endian),
                number_at(at + 8, 8, metadata.index_big_endian)};
    require_inside(index[i], i, file_bytes);
  }
  return index;
}

size_t entry_of(const ArrayMetadata& metadata, const ChunkIndex& chunk) {
  const std::vector<int64_t> per_file = chunks_per_file(metadata);
  int64_t entry = 0;
  for (size_t d = 0; d < chunk.size(); ++d) entry = entry * per_file[d] + chunk[d] % per_file[d];
  return static_cast<size_t>(entry);
}

ChunkIndex file_of(const ArrayMetadata& metadata, const ChunkIndex& chunk) {
  const std::vector<int64_t> per_file = chunks_per_file(metadata);
  ChunkIndex file = chunk;
  for (size_t d = 0; d < file.size(); ++d) file[d] /= per_file[d];
  return file;
}

std::vector<bool> entries_inside(const ArrayMetadata& metadata, const ChunkIndex& file) {
  const std::vector<int64_t> per_file = chunks_per_file(metadata);
  const std::vector<int64_t> grid = chunk_grid(metadata);
  std::vector<bool> inside(entries_per_shard(metadata), true);
  for (size_t i = 0; i < inside.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    for (size_t d = file.size(); d-- > 0; rest /= per_file[d]) {
      if (file[d] * per_file[d] + rest % per_file[d] >= grid[d]) inside[i] = false;
    }
  }
  return inside;
}

}  // namespace untiled
