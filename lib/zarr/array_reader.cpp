#include "lib/zarr/array_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "lib/core/error.h"
#include "lib/zarr/chunk_file.h"
#include "lib/zarr/metadata_file.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Of shards' indexes, beyond the newest one.
constexpr size_t kMostIndexBytes = size_t{4} << 20;

/// Codecs make some bytes more of what cannot be compressed.
size_t most_encoded(size_t decoded) { return decoded + decoded / 8 + 4096; }

ArrayMetadata read_metadata(const fs::path& folder) {
  const bool is_v3 = is_there(folder / array_file_name(ZarrFormat::kV3));
  const ZarrFormat format = is_v3 ? ZarrFormat::kV3 : ZarrFormat::kV2;
  const fs::path file = folder / array_file_name(format);
  if (!is_there(file)) {
    throw DataError(fmt::format("{}, or .zarray there, is missing: copy the whole folder",
                                (folder / array_file_name(ZarrFormat::kV3)).string()));
  }
  const std::string text = read_metadata_file(file);
  try {
    return parse_array(text, format);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} cannot be read as an array: {}", file.string(), error.what()));
  }
}

void swap_bytes(Bytes& bytes, size_t width) {
  for (size_t at = 0; at + width <= bytes.size(); at += width) {
    std::reverse(bytes.data() + at, bytes.data() + at + width);
  }
}

/// Whatever fails names the file.
template <typename Work>
auto naming(const fs::path& file, const Work& work) {
  try {
    return work();
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} is damaged: {}; copy it again", file.string(), error.what()));
  }
}

}  // namespace

ArrayReader::ArrayReader(fs::path folder)
    : folder_(std::move(folder)),
      metadata_(read_metadata(folder_)),
      chunk_bytes_(chunk_bytes(metadata_)) {}

std::optional<Bytes> ArrayReader::read_chunk(const ChunkIndex& index) const {
  const std::vector<int64_t> grid = chunk_grid(metadata_);
  bool inside = index.size() == grid.size();
  for (size_t d = 0; inside && d < grid.size(); ++d) inside = index[d] >= 0 && index[d] < grid[d];
  if (!inside) throw InternalError(folder_.string() + ": a chunk outside of the array");
  const fs::path file = folder_ / file_key(metadata_, file_of(metadata_, index));
  auto encoded = read_encoded(index, file);
  if (!encoded) return std::nullopt;
  return naming(file, [&] { return decode(std::move(*encoded)); });
}

std::optional<fs::path> ArrayReader::find_plain_chunk(const ChunkIndex& index) const {
  const bool swaps = metadata_.big_endian && bytes_of(metadata_.type) > 1;
  if (!metadata_.codecs.empty() || !metadata_.shard.empty() || swaps) return std::nullopt;
  fs::path file = folder_ / file_key(metadata_, file_of(metadata_, index));
  std::error_code error;
  if (fs::file_size(file, error) != chunk_bytes_ || error) return std::nullopt;
  return file;
}

std::optional<Bytes> ArrayReader::read_encoded(const ChunkIndex& index,
                                               const fs::path& file) const {
  uint64_t offset = 0;
  std::optional<uint64_t> size;
  if (!metadata_.shard.empty()) {
    const auto shard = shard_index(file_of(metadata_, index));
    if (!shard) return std::nullopt;
    const ShardEntry& entry = shard->at(entry_of(metadata_, index));
    if (entry.empty()) return std::nullopt;
    offset = entry.offset;
    size = entry.size;
  }
  const auto chunks = ChunkFile::open(file);
  if (!chunks) return std::nullopt;
  const uint64_t bytes = size.value_or(chunks->size());
  const bool exact = metadata_.codecs.empty();
  if (exact ? bytes != chunk_bytes_ : bytes > most_encoded(chunk_bytes_)) {
    throw DataError(
        fmt::format("{} is damaged: a chunk has {} bytes where {}{} belong; copy it "
                    "again",
                    file.string(), bytes, exact ? "" : "at most ",
                    exact ? chunk_bytes_ : most_encoded(chunk_bytes_)));
  }
  return chunks->read(offset, static_cast<size_t>(bytes));
}

std::shared_ptr<const ShardIndex> ArrayReader::shard_index(const ChunkIndex& file) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = indexes_.find(file);
    if (found != indexes_.end()) return found->second;
  }
  auto index = read_index(file);
  const std::lock_guard lock(mutex_);
  const size_t most = std::max<size_t>(1, kMostIndexBytes / index_bytes(metadata_));
  if (indexes_.size() >= most) indexes_.clear();
  indexes_[file] = index;
  return index;
}

std::shared_ptr<const ShardIndex> ArrayReader::read_index(const ChunkIndex& file) const {
  const fs::path path = folder_ / file_key(metadata_, file);
  const auto shard = ChunkFile::open(path);
  if (!shard) return nullptr;
  const size_t bytes = index_bytes(metadata_);
  return naming(path, [&] {
    if (shard->size() < bytes) {
      throw DataError(
          fmt::format("its {} bytes are fewer than its index of {}", shard->size(), bytes));
    }
    const Bytes index = shard->read(metadata_.index_first ? 0 : shard->size() - bytes, bytes);
    return std::make_shared<const ShardIndex>(
        decode_index(metadata_, {index.data(), index.size()}, shard->size()));
  });
}

Bytes ArrayReader::decode(Bytes encoded) const {
  for (size_t i = metadata_.codecs.size(); i-- > 0;) {
    const size_t limit = i == 0 ? chunk_bytes_ : most_encoded(chunk_bytes_);
    encoded = metadata_.codecs[i]->decode({encoded.data(), encoded.size()}, limit);
  }
  if (encoded.size() != chunk_bytes_) {
    throw DataError(
        fmt::format("a chunk has {} bytes where {} belong", encoded.size(), chunk_bytes_));
  }
  const size_t width = bytes_of(metadata_.type);
  if (metadata_.big_endian && width > 1) swap_bytes(encoded, width);
  return encoded;
}

int64_t ArrayReader::held_bytes() const {
  if (metadata_.shard.empty()) return 0;
  return static_cast<int64_t>(std::max(kMostIndexBytes, index_bytes(metadata_)));
}

bool is_zarr_folder(const fs::path& folder) {
  static constexpr std::array<const char*, 4> kFiles = {"zarr.json", ".zgroup", ".zattrs",
                                                        ".zarray"};
  return std::any_of(kFiles.begin(), kFiles.end(),
                     [&](const char* name) { return is_there(folder / name); });
}

}  // namespace untiled
