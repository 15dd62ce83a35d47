#include "lib/zarr/array_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/zarr/chunk_file.h"
#include "lib/zarr/shard_index.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

void require(bool holds, const std::string& reason) {
  if (!holds) throw DataError(reason);
}

/// What Zarr 2 and 3 have each in their own way, or not at all.
void require_writable(const ArrayMetadata& metadata) {
  static_assert(std::endian::native == std::endian::little);
  require_sound(metadata);
  if (metadata.format == ZarrFormat::kV2) {
    require(metadata.shard.empty(), "Zarr 2 has no shards; write Zarr 3 or leave shards out");
    require(metadata.order.empty(), "Zarr 2 has no transpose; write Zarr 3 or planar chunks");
    require(metadata.codecs.size() <= 1, "Zarr 2 has one codec at most");
  }
  for (const CodecPtr& codec : metadata.codecs) {
    const std::string name = codec->name();
    const bool is_of_v2 = name == "zlib" || name == "gzip" || name == "zstd";
    const bool known = metadata.format == ZarrFormat::kV3 ? name != "zlib" : is_of_v2;
    require(known, fmt::format("the codec {} is not written in Zarr {}", name,
                               metadata.format == ZarrFormat::kV3 ? 3 : 2));
  }
}

}  // namespace

/// A file of several chunks that is being written: chunks follow each other in the order of the
/// index, whatever the order in which they come.
class ArrayWriter::Shard {
 public:
  Shard(fs::path path, const ArrayMetadata& metadata, const ChunkIndex& file)
      : path_(std::move(path)),
        index_(entries_per_shard(metadata)),
        inside_(entries_inside(metadata, file)) {
    skip_outside();
  }

  /// Nothing: the chunk is all fill value. Gives true when the shard is complete.
  bool add(size_t entry, std::optional<Bytes> chunk) {
    std::vector<Part> ready;
    {
      const std::lock_guard lock(mutex_);
      if (entry < next_ || !waiting_.emplace(entry, std::move(chunk)).second) {
        throw InternalError(fmt::format("{}: a chunk comes twice", path_.string()));
      }
      ready = take_ready();
      writing_ += ready.size();
    }
    for (const Part& part : ready)
      write_part(path_, {part.bytes.data(), part.bytes.size()}, part.at);
    const std::lock_guard lock(mutex_);
    writing_ -= ready.size();
    return writing_ == 0 && next_ == index_.size() && !std::exchange(ended_, true);
  }

  /// Chunks that never came are left empty; those behind them are still to be written.
  void end() {
    for (auto& [entry, chunk] : waiting_) {
      if (!chunk) continue;
      index_[entry] = {size_, chunk->size()};
      write_part(path_, {chunk->data(), chunk->size()}, size_);
      size_ += chunk->size();
    }
    if (size_ == 0) return;  // All fill value: no file.
    const Bytes index = encode_index(index_);
    write_part(path_, {index.data(), index.size()}, size_);
  }

 private:
  struct Part {
    uint64_t at;
    Bytes bytes;
  };

  void skip_outside() {
    while (next_ < index_.size() && !inside_[next_]) ++next_;
  }

  std::vector<Part> take_ready() {
    std::vector<Part> ready;
    for (auto at = waiting_.begin(); at != waiting_.end() && at->first == next_;
         at = waiting_.erase(at)) {
      if (at->second) {
        index_[next_] = {size_, at->second->size()};
        ready.push_back({size_, std::move(*at->second)});
        size_ += index_[next_].size;
      }
      ++next_;
      skip_outside();
    }
    return ready;
  }

  fs::path path_;
  std::mutex mutex_;
  ShardIndex index_;
  std::vector<bool> inside_;
  std::map<size_t, std::optional<Bytes>> waiting_;  ///< By entry: those before have not come.
  size_t next_ = 0;                                 ///< The entry to be placed next.
  uint64_t size_ = 0;
  size_t writing_ = 0;
  bool ended_ = false;
};

ArrayWriter::ArrayWriter(fs::path folder, ArrayMetadata metadata, const ArrayWriterOptions& options)
    : folder_(std::move(folder)), metadata_(std::move(metadata)), options_(options) {
  try {
    require_writable(metadata_);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} cannot be written: {}", folder_.string(), error.what()));
  }
  chunk_bytes_ = chunk_bytes(metadata_);
  make_folder(folder_);
}

ArrayWriter::~ArrayWriter() = default;

bool ArrayWriter::is_fill(std::span<const uint8_t> bytes) const {
  const size_t width = bytes_of(metadata_.type);
  std::vector<uint8_t> fill = metadata_.fill;
  fill.resize(width);
  return std::memcmp(bytes.data(), fill.data(), width) == 0 &&
         std::memcmp(bytes.data(), bytes.data() + width, bytes.size() - width) == 0;
}

Bytes ArrayWriter::encode(std::span<const uint8_t> bytes) const {
  if (metadata_.codecs.empty()) return {bytes.begin(), bytes.end()};
  Bytes encoded = metadata_.codecs.front()->encode(bytes);
  for (auto codec = metadata_.codecs.begin() + 1; codec != metadata_.codecs.end(); ++codec) {
    encoded = (*codec)->encode({encoded.data(), encoded.size()});
  }
  return encoded;
}

void ArrayWriter::write_chunk(const ChunkIndex& index, std::span<const uint8_t> bytes) {
  if (bytes.size() != chunk_bytes_) {
    throw InternalError(fmt::format("{}: chunk [{}] has {} bytes where {} belong", folder_.string(),
                                    fmt::join(index, ", "), bytes.size(), chunk_bytes_));
  }
  const bool skipped = options_.skip_fill && is_fill(bytes);
  if (metadata_.shard.empty()) {
    if (skipped) return;
    const fs::path file = folder_ / file_key(metadata_, index);
    if (metadata_.codecs.empty()) return write_chunk_file(file, bytes, options_.direct_io);
    const Bytes encoded = encode(bytes);
    return write_chunk_file(file, {encoded.data(), encoded.size()}, false);
  }
  std::optional<Bytes> chunk;
  if (!skipped) chunk = encode(bytes);
  const ChunkIndex file = file_of(metadata_, index);
  const std::shared_ptr<Shard> shard = shard_at(file);
  if (!shard->add(entry_of(metadata_, index), std::move(chunk))) return;
  shard->end();
  const std::lock_guard lock(mutex_);
  shards_.erase(file);
}

bool ArrayWriter::takes_parts() const {
  return metadata_.shard.empty() && metadata_.codecs.empty() && !options_.direct_io &&
         !options_.skip_fill;
}

void ArrayWriter::write_part_of_chunk(const ChunkIndex& index, uint64_t offset,
                                      std::span<const uint8_t> bytes) {
  if (!takes_parts() || offset > chunk_bytes_ || bytes.size() > chunk_bytes_ - offset) {
    throw InternalError(fmt::format("{}: chunk [{}] has no {} bytes at {} to be written",
                                    folder_.string(), fmt::join(index, ", "), bytes.size(),
                                    offset));
  }
  write_part(folder_ / file_key(metadata_, index), bytes, offset);
}

fs::path ArrayWriter::make_place(const ChunkIndex& index) const {
  if (!metadata_.shard.empty() || !metadata_.codecs.empty()) {
    throw InternalError(fmt::format("{}: its files are not chunks' bytes", folder_.string()));
  }
  fs::path file = folder_ / file_key(metadata_, index);
  make_folder(file.parent_path());
  return file;
}

std::shared_ptr<ArrayWriter::Shard> ArrayWriter::shard_at(const ChunkIndex& file) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Shard>& shard = shards_[file];
  if (!shard) shard = std::make_shared<Shard>(folder_ / file_key(metadata_, file), metadata_, file);
  return shard;
}

void ArrayWriter::finish() {
  for (const auto& [file, shard] : shards_) shard->end();
  shards_.clear();
  write_file(folder_ / array_file_name(metadata_.format), to_json_text(metadata_));
}

}  // namespace untiled
