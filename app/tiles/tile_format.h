// How filtered slides are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace untiled {

enum class TileFormat { kOmeZarr, kOmeZarr04, kZarr, kOmeTiff, kTiff };
enum class TileCodec { kNone, kZstd, kGzip };

/// What decides the files of a slide beside its pixels.
struct TileOutput {
  TileFormat format = TileFormat::kOmeZarr;
  int64_t chunk = 512;
  int64_t shard = 0;  ///< Rows and columns of a file that holds several chunks; 0: one.
  TileCodec codec = TileCodec::kNone;
  bool planar = false;  ///< OME-Zarr: one channel a chunk.
  bool direct_io = false;
  bool from_device = false;  ///< Chunks go from a device's memory to their files.
};

/// "ome-zarr", "ome-zarr-0.4", "zarr", "ome-tiff", "tiff".
const std::vector<std::string>& tile_format_names();
/// Throws ConfigError for an unknown name.
TileFormat tile_format(const std::string& name);
/// What follows the slide's id in the name of its output: ".ome.zarr".
std::string ending_of(TileFormat format);
/// What is used where nobody says: readers of OME-Zarr 0.4 in Java know no zstd.
TileCodec usual_codec(TileFormat format);
/// "none", "zstd", "gzip". Throws ConfigError.
TileCodec tile_codec(const std::string& name);
std::string to_string(TileCodec codec);

/// Throws ConfigError for what a format cannot be: shards of Zarr 2, odd chunks of a pyramid.
void require_possible(const TileOutput& output);

}  // namespace untiled
