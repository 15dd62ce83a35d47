#include "lib/zarr/array_metadata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "lib/core/error.h"
#include "lib/core/interval.h"

namespace untiled {
namespace {

/// a * b unless that is more than `most`.
bool multiply_within(size_t& a, size_t b, size_t most) {
  if (b != 0 && a > most / b) return false;
  a *= b;
  return true;
}

void require(bool holds, const std::string& reason) {
  if (!holds) throw DataError(reason);
}

void require_bounded_chunk(const ArrayMetadata& metadata) {
  size_t bytes = bytes_of(metadata.type);
  for (const int64_t side : metadata.chunk) {
    require(
        side > 0 && multiply_within(bytes, static_cast<size_t>(side), kMostChunkBytes),
        fmt::format("its chunks of [{}] elements are empty or larger than the {} bytes that are "
                    "read at once",
                    fmt::join(metadata.chunk, ", "), kMostChunkBytes));
  }
}

void require_bounded_shard(const ArrayMetadata& metadata) {
  constexpr size_t kEntryBytes = 16;
  size_t bytes = kEntryBytes;
  for (size_t d = 0; d < metadata.shard.size(); ++d) {
    const int64_t side = metadata.shard[d];
    require(side > 0 && side % metadata.chunk[d] == 0,
            fmt::format("its shards of [{}] elements do not hold whole chunks of [{}]",
                        fmt::join(metadata.shard, ", "), fmt::join(metadata.chunk, ", ")));
    require(multiply_within(bytes, static_cast<size_t>(side / metadata.chunk[d]), kMostChunkBytes),
            "its shards hold more chunks than are read");
  }
}

void require_order(const ArrayMetadata& metadata) {
  std::vector<int> sorted = metadata.order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> expected(metadata.shape.size());
  std::iota(expected.begin(), expected.end(), 0);
  require(sorted.empty() || sorted == expected,
          fmt::format("the order [{}] of its transpose is none of its dimensions",
                      fmt::join(metadata.order, ", ")));
}

std::vector<int64_t> grid_of(const std::vector<int64_t>& shape, const std::vector<int64_t>& part) {
  std::vector<int64_t> grid;
  for (size_t d = 0; d < shape.size(); ++d) grid.push_back(ceil_div(shape[d], part[d]));
  return grid;
}

}  // namespace

std::string array_file_name(ZarrFormat format) {
  return format == ZarrFormat::kV3 ? "zarr.json" : ".zarray";
}

void require_sound(const ArrayMetadata& metadata) {
  const size_t rank = metadata.shape.size();
  require(
      rank > 0 && metadata.chunk.size() == rank &&
          (metadata.shard.empty() || metadata.shard.size() == rank),
      fmt::format("its shape has {} dimensions and its chunks {}", rank, metadata.chunk.size()));
  require(metadata.dimension_names.empty() || metadata.dimension_names.size() == rank,
          fmt::format("it names {} of its {} dimensions", metadata.dimension_names.size(), rank));
  require(metadata.fill.empty() || metadata.fill.size() == bytes_of(metadata.type),
          "its fill value is not of its type");
  require_bounded_chunk(metadata);
  require_bounded_shard(metadata);
  require_order(metadata);
}

size_t chunk_bytes(const ArrayMetadata& metadata) {
  size_t bytes = bytes_of(metadata.type);
  for (const int64_t side : metadata.chunk) bytes *= static_cast<size_t>(side);
  return bytes;
}

std::vector<int64_t> chunk_grid(const ArrayMetadata& metadata) {
  return grid_of(metadata.shape, metadata.chunk);
}

std::vector<int64_t> file_grid(const ArrayMetadata& metadata) {
  return grid_of(metadata.shape, metadata.shard.empty() ? metadata.chunk : metadata.shard);
}

std::vector<int64_t> chunks_per_file(const ArrayMetadata& metadata) {
  if (metadata.shard.empty()) return std::vector<int64_t>(metadata.shape.size(), 1);
  return grid_of(metadata.shard, metadata.chunk);
}

std::vector<int64_t> byte_strides(const ArrayMetadata& metadata) {
  const size_t rank = metadata.shape.size();
  std::vector<int64_t> strides(rank);
  auto stride = static_cast<int64_t>(bytes_of(metadata.type));
  for (size_t i = rank; i-- > 0;) {
    const size_t d = metadata.order.empty() ? i : static_cast<size_t>(metadata.order[i]);
    strides[d] = stride;
    stride *= metadata.chunk[d];
  }
  return strides;
}

std::string file_key(const ArrayMetadata& metadata, const ChunkIndex& index) {
  std::string key = metadata.prefixed ? "c" : "";
  for (const int64_t at : index) {
    if (!key.empty()) key += metadata.separator;
    key += std::to_string(at);
  }
  return key;
}

}  // namespace untiled
