#include "app/tile_bench/bench_array.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "lib/codecs/codecs.h"
#include "lib/core/parallel.h"
#include "lib/core/stop.h"
#include "lib/filters/cell_layout.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/tiled_run.h"
#include "lib/zarr/array_writer.h"

namespace untiled {
namespace {

using filters::kChannels;
using filters::Sample;

ArrayMetadata metadata_of(const BenchArray& array, const TileOutput& output) {
  ArrayMetadata metadata;
  metadata.shape = {array.extent().rows, array.extent().cols, kChannels};
  metadata.type = array.sample() == Sample::kUint8 ? DataType::kUint8 : DataType::kFloat32;
  metadata.chunk = {output.chunk, output.chunk, kChannels};
  if (output.shard > 0) metadata.shard = {output.shard, output.shard, kChannels};
  if (output.codec == TileCodec::kZstd) metadata.codecs = {make_codec("zstd", {{"level", 1}})};
  return metadata;
}

/// The chunks of an array, made by a thread and written in bands of rows as filtered ones are, or
/// whole where a file is not a chunk's bytes.
class ChunkCopy {
 public:
  ChunkCopy(const BenchArray& array, int64_t side, ArrayWriter& writer)
      : array_(array),
        side_(side),
        writer_(writer),
        row_bytes_(side * array.pixel_bytes()),
        rows_at_once_(writer.takes_parts()
                          ? std::clamp<int64_t>(filters::kBandBytes / row_bytes_, 1, side)
                          : side),
        memory_(static_cast<size_t>(rows_at_once_ * row_bytes_)) {}

  void write(const Region& part) {
    const ChunkIndex index = {part.rows.begin / side_, part.cols.begin / side_, 0};
    for (int64_t row = 0; row < side_; row += rows_at_once_) {
      const int64_t rows = std::min(rows_at_once_, side_ - row);
      fill(part, {row, row + rows});
      const std::span<const uint8_t> bytes(memory_.data(), static_cast<size_t>(rows * row_bytes_));
      if (!writer_.takes_parts()) return writer_.write_chunk(index, bytes);
      writer_.write_part_of_chunk(index, static_cast<uint64_t>(row * row_bytes_), bytes);
    }
  }

 private:
  /// Rows of the chunk, with zeros beyond the array.
  void fill(const Region& part, const Interval& rows) {
    const auto all = static_cast<size_t>(row_bytes_);
    const auto used = static_cast<size_t>(part.cols.size() * array_.pixel_bytes());
    uint8_t* to = memory_.data();
    for (int64_t row = rows.begin; row < rows.end; ++row, to += row_bytes_) {
      const size_t copied = row < part.rows.size() ? used : 0;
      const uint8_t* from = array_.row(part.rows.begin + std::min(row, part.rows.size() - 1)) +
                            part.cols.begin * array_.pixel_bytes();
      std::memcpy(to, from, copied);
      std::memset(to + copied, 0, all - copied);
    }
  }

  const BenchArray& array_;
  int64_t side_;
  ArrayWriter& writer_;
  int64_t row_bytes_;
  int64_t rows_at_once_;
  std::vector<uint8_t> memory_;
};

}  // namespace

BenchArray::BenchArray(const Extent& extent, Sample sample)
    : extent_(extent), sample_(sample), memory_(extent.rows * row_bytes()) {
  std::memset(memory_.data(), 1, static_cast<size_t>(memory_.size_bytes()));
}

int64_t BenchArray::pixel_bytes() const {
  return kChannels * static_cast<int64_t>(bytes_of(sample_));
}

void read_slide(const PixelSource& slide, int workers, const BenchArray& onto) {
  const filters::CellLayout cells(slide);
  const NextRead next_read = next_read_of(onto.size_bytes());
  parallel_for(static_cast<size_t>(cells.count()), workers, [&](size_t i) {
    throw_if_stopped();
    const Region cell = cells.region(static_cast<int64_t>(i));
    Bytes missing;  // Such pixels have the background's colour.
    slide.read_into(cell, {cell, static_cast<int>(kChannels),
                           onto.row(cell.rows.begin) + cell.cols.begin * onto.pixel_bytes(),
                           onto.row_bytes(), &missing, next_read});
  });
}

void to_floats(const BenchArray& bytes, int workers, const BenchArray& onto) {
  parallel_for(static_cast<size_t>(onto.extent().rows), workers, [&](size_t i) {
    const auto row = static_cast<int64_t>(i);
    const uint8_t* from = bytes.row(row);
    auto* to = reinterpret_cast<float*>(onto.row(row));
    std::transform(from, from + bytes.row_bytes(), to,
                   [](uint8_t value) { return static_cast<float>(value) / 255.0F; });
  });
}

void write_zarr(const BenchArray& array, const TileOutput& output, int workers,
                const std::filesystem::path& folder) {
  ArrayWriter writer(folder, metadata_of(array, output));
  const auto chunks = tile_grid(array.extent(), {output.chunk, output.chunk});
  std::atomic<size_t> next{0};
  parallel_for(static_cast<size_t>(workers), workers, [&](size_t) {
    ChunkCopy copy(array, output.chunk, writer);
    for (size_t i = next++; i < chunks.size(); i = next++) {
      throw_if_stopped();
      copy.write(chunks[i]);
    }
  });
  writer.finish();
}

}  // namespace untiled
