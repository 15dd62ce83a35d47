#include "app/tiles/tile_sink.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "lib/codecs/codecs.h"
#include "lib/core/atomic_folder.h"
#include "lib/core/error.h"
#include "lib/filters/filter_rows.h"
#include "lib/output/color_tiff.h"
#include "lib/zarr/array_writer.h"
#include "lib/zarr/ome_image_writer.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

using filters::kChannels;
using filters::Sample;

DataType data_type_of(Sample sample) {
  return sample == Sample::kUint8 ? DataType::kUint8 : DataType::kFloat32;
}

/// Zarr 2's readers in Java know zlib and not gzip.
std::vector<CodecPtr> codecs_of(const TileOutput& output) {
  constexpr int kLevel = 1;
  const bool old = output.format == TileFormat::kOmeZarr04;
  switch (output.codec) {
    case TileCodec::kNone:
      return {};
    case TileCodec::kGzip:
      return {make_codec(old ? "zlib" : "gzip", {{"level", kLevel}})};
    case TileCodec::kZstd:
      return {make_codec("zstd", {{"level", kLevel}})};
  }
  return {};
}

ArrayWriterOptions writer_options(const TileOutput& output) {
  ArrayWriterOptions options;
  options.direct_io = output.direct_io;
  return options;
}

OmeZarrImage ome_image(const TileImage& image, const TileOutput& output) {
  OmeZarrImage ome;
  ome.name = image.name;
  ome.extent = image.extent;
  ome.type = data_type_of(image.sample);
  ome.version = output.format == TileFormat::kOmeZarr04 ? OmeVersion::k04 : OmeVersion::k05;
  ome.tile = output.chunk;
  ome.shard = output.shard;
  ome.planar = output.planar || ome.version == OmeVersion::k04;
  ome.codecs = codecs_of(output);
  ome.first_x = image.first_x;
  ome.first_y = image.first_y;
  ome.mpp_x = image.mpp_x;
  ome.mpp_y = image.mpp_y;
  if (image.sample == Sample::kUint8) ome.shown = rgb_channels();
  return ome;
}

ColorTiffOptions tiff_options(const TileImage& image, const TileOutput& output) {
  ColorTiffOptions options;
  options.name = image.name;
  options.extent = image.extent;
  if (image.sample == Sample::kFloat32) options.type = SampleType::kFloat32;
  options.tile = output.chunk;
  options.compressed = output.codec != TileCodec::kNone;
  if (image.mpp_x && image.mpp_y) options.scale = OutputScale{*image.mpp_x, *image.mpp_y};
  if (output.format == TileFormat::kOmeTiff) options.kind = ColorTiffKind::kOme;
  return options;
}

/// An array (y, x, c).
class ZarrSink final : public TileSink {
 public:
  ZarrSink(const std::filesystem::path& path, const TileImage& image, const TileOutput& output)
      : folder_(path),
        side_(output.chunk),
        row_bytes_(output.chunk * kChannels * static_cast<int64_t>(bytes_of(image.sample))),
        writer_(folder_.path(), metadata(image, output), writer_options(output)) {}

  void write(const Region& chunk, std::span<const uint8_t> bytes) override {
    writer_.write_chunk(index_of(chunk), bytes);
  }
  bool takes_bands() const override { return writer_.takes_parts(); }
  void write_band(const Region& chunk, int64_t first_row, std::span<const uint8_t> bytes) override {
    writer_.write_part_of_chunk(index_of(chunk), static_cast<uint64_t>(first_row * row_bytes_),
                                bytes);
  }
  fs::path make_place(const Region& chunk) override { return writer_.make_place(index_of(chunk)); }
  void finish() override {
    writer_.finish();
    folder_.commit();
  }

 private:
  ChunkIndex index_of(const Region& chunk) const {
    return {chunk.rows.begin / side_, chunk.cols.begin / side_, 0};
  }
  static ArrayMetadata metadata(const TileImage& image, const TileOutput& output) {
    ArrayMetadata array;
    array.shape = {image.extent.rows, image.extent.cols, kChannels};
    array.type = data_type_of(image.sample);
    array.chunk = {output.chunk, output.chunk, kChannels};
    if (output.shard > 0) array.shard = {output.shard, output.shard, kChannels};
    array.codecs = codecs_of(output);
    array.dimension_names = {"y", "x", "c"};
    return array;
  }

  AtomicFolder folder_;
  int64_t side_;
  int64_t row_bytes_;
  ArrayWriter writer_;
};

class OmeZarrSink final : public TileSink {
 public:
  OmeZarrSink(const std::filesystem::path& path, const TileImage& image, const TileOutput& output)
      : folder_(path),
        row_bytes_(output.chunk * kChannels * static_cast<int64_t>(bytes_of(image.sample))),
        writer_(folder_.path(), ome_image(image, output), writer_options(output)) {}

  void write(const Region& chunk, std::span<const uint8_t> bytes) override {
    writer_.write_tile(chunk, bytes.data(), row_bytes_);
  }
  void finish() override {
    writer_.finish();
    folder_.commit();
  }

 private:
  AtomicFolder folder_;
  int64_t row_bytes_;
  OmeImageWriter writer_;
};

class TiffSink final : public TileSink {
 public:
  TiffSink(const std::filesystem::path& path, const TileImage& image, const TileOutput& output)
      : tiff_(path, tiff_options(image, output)) {}

  void write(const Region& chunk, std::span<const uint8_t> bytes) override {
    tiff_.write_tile(chunk, bytes);
  }
  void finish() override { tiff_.finish(); }

 private:
  ColorTiff tiff_;
};

}  // namespace

void TileSink::write_band(const Region& /*chunk*/, int64_t /*first_row*/,
                          std::span<const uint8_t> /*bytes*/) {
  throw InternalError("chunks of this format are written whole");
}

fs::path TileSink::make_place(const Region& /*chunk*/) {
  throw InternalError("chunks of this format are no files");
}

int64_t sink_bytes(const TileImage& image, const TileOutput& output, int workers) {
  const int64_t chunk =
      output.chunk * output.chunk * kChannels * static_cast<int64_t>(bytes_of(image.sample));
  const int64_t encoded =
      2 * chunk * workers;  // With zeros beyond the image's edge, and as stored.
  switch (output.format) {
    case TileFormat::kZarr:
      return output.codec == TileCodec::kNone && output.shard == 0 ? 0 : encoded;
    case TileFormat::kOmeZarr:
    case TileFormat::kOmeZarr04:
      return OmeImageWriter::held_bytes(ome_image(image, output)) + encoded;
    default:
      return ColorTiff::held_bytes(tiff_options(image, output)) + encoded;
  }
}

std::unique_ptr<TileSink> make_tile_sink(const std::filesystem::path& path, const TileImage& image,
                                         const TileOutput& output) {
  switch (output.format) {
    case TileFormat::kZarr:
      return std::make_unique<ZarrSink>(path, image, output);
    case TileFormat::kOmeZarr:
    case TileFormat::kOmeZarr04:
      return std::make_unique<OmeZarrSink>(path, image, output);
    default:
      return std::make_unique<TiffSink>(path, image, output);
  }
}

}  // namespace untiled
