// Writes an array of Zarr 2 or 3 chunk by chunk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "lib/zarr/array_metadata.h"

namespace untiled {

struct ArrayWriterOptions {
  /// Chunks without codecs and shards, whose size is a multiple of 4,096 bytes, go past the page
  /// cache where the file system can do so; memory that begins at such a multiple is not copied.
  bool direct_io = false;
  /// Chunks that hold nothing but the fill value get no file.
  bool skip_fill = false;
};

/// The folder is not in place before its owner puts it there (AtomicFolder). Chunks are written
/// from any thread, each once; those of one shard in any order too, but where they come in the
/// order of the grid, last dimension fastest, none has to wait in memory. The bytes of all files
/// depend on the array alone.
class ArrayWriter {
 public:
  /// `folder` is made if it is not there. Throws DataError for metadata that contradict themselves
  /// and a folder that cannot be made.
  ArrayWriter(std::filesystem::path folder, ArrayMetadata metadata,
              const ArrayWriterOptions& options = {});
  ~ArrayWriter();
  ArrayWriter(const ArrayWriter&) = delete;
  ArrayWriter& operator=(const ArrayWriter&) = delete;

  const ArrayMetadata& metadata() const { return metadata_; }

  /// `bytes` is a whole chunk, also at the array's end, in the order that the metadata say. Throws
  /// DataError (a full disk, say).
  void write_chunk(const ChunkIndex& index, std::span<const uint8_t> bytes);

  /// Whether a chunk's file is its bytes, which go through the page cache: neither codecs nor
  /// shards, nor options.
  bool takes_parts() const;
  /// Some of a chunk's bytes, which lie at `offset` in it, instead of `write_chunk`: then nobody
  /// has to hold a whole one. Throws DataError.
  void write_part_of_chunk(const ChunkIndex& index, uint64_t offset,
                           std::span<const uint8_t> bytes);

  /// The file of a chunk, in a folder that is there, for somebody who writes its bytes himself
  /// instead of `write_chunk`. The array has neither codecs nor shards. Throws DataError.
  std::filesystem::path make_place(const ChunkIndex& index) const;

  /// After the last chunk: ends shards of which chunks were left out, and writes the metadata.
  void finish();

 private:
  class Shard;

  bool is_fill(std::span<const uint8_t> bytes) const;
  Bytes encode(std::span<const uint8_t> bytes) const;
  std::shared_ptr<Shard> shard_at(const ChunkIndex& file);

  std::filesystem::path folder_;
  ArrayMetadata metadata_;
  ArrayWriterOptions options_;
  size_t chunk_bytes_;
  std::mutex mutex_;
  std::map<ChunkIndex, std::shared_ptr<Shard>> shards_;  ///< Those that have begun.
};

}  // namespace untiled
