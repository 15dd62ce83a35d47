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

/// A whole chunk, zeros beyond the array.
void fill_chunk(const BenchArray& array, const Region& part, int64_t side, uint8_t* chunk) {
  const int64_t all = side * array.pixel_bytes();
  const int64_t used = part.cols.size() * array.pixel_bytes();
  for (int64_t row = 0; row < part.rows.size(); ++row, chunk += all) {
    const uint8_t* from = array.row(part.rows.begin + row) + part.cols.begin * array.pixel_bytes();
    std::memcpy(chunk, from, static_cast<size_t>(used));
    std::memset(chunk + used, 0, static_cast<size_t>(all - used));
  }
  std::memset(chunk, 0, static_cast<size_t>((side - part.rows.size()) * all));
}

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
  parallel_for(static_cast<size_t>(cells.count()), workers, [&](size_t i) {
    throw_if_stopped();
    const Region cell = cells.region(static_cast<int64_t>(i));
    Bytes missing;  // Such pixels have the background's colour.
    slide.read_into(cell, {cell, static_cast<int>(kChannels),
                           onto.row(cell.rows.begin) + cell.cols.begin * onto.pixel_bytes(),
                           onto.row_bytes(), &missing});
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
  const auto bytes = static_cast<size_t>(output.chunk * output.chunk * array.pixel_bytes());
  std::atomic<size_t> next{0};
  parallel_for(static_cast<size_t>(workers), workers, [&](size_t) {
    std::vector<uint8_t> chunk(bytes);
    for (size_t i = next++; i < chunks.size(); i = next++) {
      throw_if_stopped();
      fill_chunk(array, chunks[i], output.chunk, chunk.data());
      writer.write_chunk(
          {chunks[i].rows.begin / output.chunk, chunks[i].cols.begin / output.chunk, 0}, chunk);
    }
  });
  writer.finish();
}

}  // namespace untiled
