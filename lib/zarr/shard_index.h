// The index of a shard: where each of its chunks lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/zarr/array_metadata.h"

namespace untiled {

/// A chunk's bytes in its shard's file; both numbers are 2^64 - 1 for a chunk that is not there.
struct ShardEntry {
  static constexpr uint64_t kNone = ~uint64_t{0};

  uint64_t offset = kNone;
  uint64_t size = kNone;

  bool empty() const { return offset == kNone && size == kNone; }
};

/// One entry a chunk of the shard, last dimension fastest, those outside of the array as well.
using ShardIndex = std::vector<ShardEntry>;

/// Chunks of a whole shard.
size_t entries_per_shard(const ArrayMetadata& metadata);
/// Bytes of an index in the file.
size_t index_bytes(const ArrayMetadata& metadata);

Bytes encode_index(const ShardIndex& index);
/// Throws DataError with the reason, which names no file: for a wrong sum, and for entries that
/// reach beyond a file of `file_bytes`.
ShardIndex decode_index(const ArrayMetadata& metadata, std::span<const uint8_t> bytes,
                        uint64_t file_bytes);

/// The place of a chunk of the grid in its shard's index, and the shard in the grid of files.
size_t entry_of(const ArrayMetadata& metadata, const ChunkIndex& chunk);
ChunkIndex file_of(const ArrayMetadata& metadata, const ChunkIndex& chunk);
/// Which entries of a shard are chunks of the array: others lie outside of it.
std::vector<bool> entries_inside(const ArrayMetadata& metadata, const ChunkIndex& file);

}  // namespace untiled
