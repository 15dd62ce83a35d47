// Reads an array of Zarr 2 or 3 chunk by chunk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "lib/zarr/array_metadata.h"
#include "lib/zarr/shard_index.h"

namespace untiled {

/// Any thread. Nothing larger than kMostChunkBytes, nor larger than what a file can hold that is
/// there, is allocated for what files claim.
class ArrayReader {
 public:
  /// Reads the metadata only. Throws DataError naming the file, what was found and what is read.
  explicit ArrayReader(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  const ArrayMetadata& metadata() const { return metadata_; }

  /// A whole chunk, also at the array's end, in the order that the metadata say and in this
  /// machine's byte order. Nothing where it has no file: then it is all fill value. Throws
  /// DataError naming the file.
  std::optional<Bytes> read_chunk(const ChunkIndex& index) const;

  /// The file whose bytes are a chunk as it is, without codecs and shards; nothing where there is
  /// none of its size.
  std::optional<std::filesystem::path> find_plain_chunk(const ChunkIndex& index) const;

  /// Most bytes of shards' indexes that stay in memory.
  int64_t held_bytes() const;

 private:
  /// Where a chunk lies; no size: the file as a whole.
  std::optional<Bytes> read_encoded(const ChunkIndex& index,
                                    const std::filesystem::path& file) const;
  std::shared_ptr<const ShardIndex> shard_index(const ChunkIndex& file) const;
  std::shared_ptr<const ShardIndex> read_index(const ChunkIndex& file) const;
  Bytes decode(Bytes encoded) const;

  std::filesystem::path folder_;
  ArrayMetadata metadata_;
  size_t chunk_bytes_;
  mutable std::mutex mutex_;
  mutable std::map<ChunkIndex, std::shared_ptr<const ShardIndex>> indexes_;
};

/// Whether a folder holds zarr.json, .zarray, .zgroup or .zattrs.
bool is_zarr_folder(const std::filesystem::path& folder);

}  // namespace untiled
