// Where a slide's chunks go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "app/tiles/tile_format.h"
#include "lib/core/region.h"
#include "lib/filters/sample.h"

namespace untiled {

struct TileImage {
  std::string name;
  Extent extent;
  filters::Sample sample = filters::Sample::kUint8;
  std::optional<double> mpp_x;  ///< Micrometres per column; none: unknown.
  std::optional<double> mpp_y;
  double first_x = 0;  ///< Where the image begins in the slide, in its own pixels.
  double first_y = 0;
};

/// A file or folder that appears whole when it is finished, or not at all.
class TileSink {
 public:
  TileSink() = default;
  virtual ~TileSink() = default;
  TileSink(const TileSink&) = delete;
  TileSink& operator=(const TileSink&) = delete;

  /// A whole chunk, interleaved, of which `chunk` is the part inside the image; any thread, each
  /// once. Throws DataError (a full disk, say).
  virtual void write(const Region& chunk, std::span<const uint8_t> bytes) = 0;
  /// Whether chunks may come as bands of their rows: zarr without codec, shards and direct I/O.
  virtual bool takes_bands() const { return false; }
  /// Whole rows of a chunk from `first_row` on, instead of `write`; the first band first.
  virtual void write_band(const Region& chunk, int64_t first_row, std::span<const uint8_t> bytes);
  /// The file that such a chunk's bytes are, in a folder that is there, for somebody who writes it
  /// himself; only zarr without codec and shards has them (TileOutput::from_device).
  virtual std::filesystem::path make_place(const Region& chunk);
  virtual void finish() = 0;
};

/// What a sink holds of chunks that so many threads write in about their order: reduced levels, and
/// a chunk twice a thread. Chunks that are written as they are count nothing.
int64_t sink_bytes(const TileImage& image, const TileOutput& output, int workers);

/// Throws DataError when it cannot be created.
std::unique_ptr<TileSink> make_tile_sink(const std::filesystem::path& path, const TileImage& image,
                                         const TileOutput& output);

}  // namespace untiled
