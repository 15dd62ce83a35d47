// What zarr.json (Zarr 3) and .zarray (Zarr 2) say of an array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lib/codecs/codec.h"
#include "lib/zarr/data_type.h"

namespace untiled {

enum class ZarrFormat { kV2, kV3 };

/// An array of `shape`, cut into chunks that all have the same shape: those at its end are as large
/// as the others. What is left empty has the value that it has in most arrays.
struct ArrayMetadata {
  ZarrFormat format = ZarrFormat::kV3;
  std::vector<int64_t> shape;
  DataType type = DataType::kUint8;
  std::vector<int64_t> chunk;
  /// Of a file, which holds whole chunks and an index of them; empty: a chunk is a file.
  std::vector<int64_t> shard;
  /// The dimensions in the order of a chunk's bytes, slowest first (Zarr's codec transpose): {1, 2,
  /// 0} of (c, y, x) is interleaved. Empty: as in `shape`.
  std::vector<int> order;
  /// What a chunk's bytes go through on their way to the file, first to last.
  std::vector<CodecPtr> codecs;
  /// Of one element, in this machine's byte order; what chunks hold that have no file. Empty: 0.
  std::vector<uint8_t> fill;
  char separator = '/';                      ///< Between the numbers of a chunk's name.
  bool prefixed = true;                      ///< Whether "c" stands before them.
  std::vector<std::string> dimension_names;  ///< Empty, or one a dimension; Zarr 3 only.

  // What other writers choose otherwise; our own leave it as it is.
  bool big_endian = false;
  bool index_first = false;   ///< A shard's index stands before its chunks.
  bool index_has_sum = true;  ///< A crc32c follows the index.
  bool index_big_endian = false;
};

/// A chunk's place in the grid, one number a dimension.
using ChunkIndex = std::vector<int64_t>;

/// "zarr.json" or ".zarray".
std::string array_file_name(ZarrFormat format);

/// The content of that file. Bytes depend on the metadata alone.
std::string to_json_text(const ArrayMetadata& metadata);

/// Most bytes that a chunk, decoded or not, and a shard's index may have.
inline constexpr size_t kMostChunkBytes = size_t{1} << 30;

/// Throws DataError with the reason, which names no file: for text that is no such metadata, and
/// for what cannot be read, which it names.
ArrayMetadata parse_array(std::string_view text, ZarrFormat format);

/// Throws DataError for metadata that contradict themselves.
void require_sound(const ArrayMetadata& metadata);

/// Bytes of one chunk, decoded.
size_t chunk_bytes(const ArrayMetadata& metadata);
/// Chunks, or files, along each dimension.
std::vector<int64_t> chunk_grid(const ArrayMetadata& metadata);
std::vector<int64_t> file_grid(const ArrayMetadata& metadata);
/// Chunks of a whole shard along each dimension; all 1 without shards.
std::vector<int64_t> chunks_per_file(const ArrayMetadata& metadata);
/// For each dimension: bytes in a decoded chunk from one element to the next.
std::vector<int64_t> byte_strides(const ArrayMetadata& metadata);
/// The name of the file at a place of file_grid, relative to the array's folder: "c/0/3/1".
std::string file_key(const ArrayMetadata& metadata, const ChunkIndex& index);

}  // namespace untiled
