#include "app/tiles/tile_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/error.h"

namespace untiled {
namespace {

struct FormatNames {
  TileFormat format;
  const char* name;
  const char* ending;
};

constexpr std::array<FormatNames, 5> kFormats = {{
    {TileFormat::kOmeZarr, "ome-zarr", ".ome.zarr"},
    {TileFormat::kOmeZarr04, "ome-zarr-0.4", ".ome.zarr"},
    {TileFormat::kZarr, "zarr", ".zarr"},
    {TileFormat::kOmeTiff, "ome-tiff", ".ome.tif"},
    {TileFormat::kTiff, "tiff", ".tif"},
}};

struct CodecNames {
  TileCodec codec;
  const char* name;
};

constexpr std::array<CodecNames, 3> kCodecs = {
    {{TileCodec::kNone, "none"}, {TileCodec::kZstd, "zstd"}, {TileCodec::kGzip, "gzip"}}};

bool is_tiff(TileFormat format) {
  return format == TileFormat::kOmeTiff || format == TileFormat::kTiff;
}

/// What is wrong, or nothing.
std::string obstacle(const TileOutput& output) {
  const bool sharded = output.shard > 0;
  if (sharded && (output.format == TileFormat::kOmeZarr04 || is_tiff(output.format))) {
    return "--shard: only zarr and ome-zarr (0.5) have shards; leave it out";
  }
  if (sharded && output.shard % output.chunk != 0) {
    return fmt::format("--shard {}: must be a multiple of --chunk {}", output.shard, output.chunk);
  }
  constexpr int64_t kMostChunksASide = 4096;
  if (sharded && output.shard / output.chunk > kMostChunksASide) {
    return fmt::format("--shard {}: holds more than {} chunks of --chunk {} a side", output.shard,
                       kMostChunksASide, output.chunk);
  }
  if (output.format != TileFormat::kZarr && output.chunk % 16 != 0) {
    return fmt::format("--chunk {}: must be a multiple of 16 in this format", output.chunk);
  }
  if (is_tiff(output.format) && output.codec == TileCodec::kZstd) {
    return "--codec zstd: few programs read it in a TIFF; give gzip or none";
  }
  if (output.format == TileFormat::kOmeZarr04 && output.codec == TileCodec::kZstd) {
    return "--codec zstd: readers of OME-Zarr 0.4 in Java know no such chunks; give gzip or none";
  }
  if (output.planar && output.format != TileFormat::kOmeZarr) {
    return "--planar: is a way of writing ome-zarr (0.5) alone";
  }
  if (output.direct_io && (is_tiff(output.format) || output.codec != TileCodec::kNone || sharded)) {
    return "--direct-io: goes with chunks of zarr and ome-zarr that are files of their own with "
           "--codec none";
  }
  const bool is_plain = output.format == TileFormat::kZarr && output.codec == TileCodec::kNone;
  if (output.from_device && (!is_plain || sharded || output.direct_io)) {
    return "--kvikio: goes with --format zarr, --codec none and neither --shard nor --direct-io";
  }
  return "";
}

}  // namespace

const std::vector<std::string>& tile_format_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const FormatNames& f : kFormats) list.emplace_back(f.name);
    return list;
  }();
  return names;
}

TileFormat tile_format(const std::string& name) {
  for (const FormatNames& f : kFormats) {
    if (name == f.name) return f.format;
  }
  throw ConfigError(fmt::format("--format: {} is none of the formats", name));
}

std::string ending_of(TileFormat format) {
  return std::find_if(kFormats.begin(), kFormats.end(),
                      [format](const FormatNames& f) { return f.format == format; })
      ->ending;
}

TileCodec usual_codec(TileFormat format) {
  switch (format) {
    case TileFormat::kOmeZarr:
      return TileCodec::kZstd;
    case TileFormat::kZarr:
      return TileCodec::kNone;
    default:
      return TileCodec::kGzip;
  }
}

TileCodec tile_codec(const std::string& name) {
  for (const CodecNames& c : kCodecs) {
    if (name == c.name) return c.codec;
  }
  throw ConfigError(fmt::format("--codec: {} is none of none, zstd and gzip", name));
}

std::string to_string(TileCodec codec) {
  return std::find_if(kCodecs.begin(), kCodecs.end(),
                      [codec](const CodecNames& c) { return c.codec == codec; })
      ->name;
}

void require_possible(const TileOutput& output) {
  const std::string reason = obstacle(output);
  if (!reason.empty()) throw ConfigError(reason);
}

}  // namespace untiled
