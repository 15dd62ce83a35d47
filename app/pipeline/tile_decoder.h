// Who decodes the tiles of the slides that a network is trained on, scored on or applied to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/slide_set.h"

namespace untiled {

struct TileDecoder {
  std::shared_ptr<const DeviceJpeg> jpeg;  ///< Null: each slide's own reader.
  std::string name = "host";               ///< "host", "gpu" or "nvimgcodec-host".

  /// Whether its pixels may be others than the readers'.
  bool changes_pixels() const { return name == "gpu"; }
};

/// As data.decode says, for a device and the cache that the run's plan took. Throws ConfigError
/// with what is missing where a decoder was asked for by name.
TileDecoder choose_tile_decoder(const Settings& settings, const DeviceChoice& device,
                                CacheMode cache);

/// Lets it decode a slide's tiles, for a network that sees them as they are; without one the source
/// decodes. Its count is the slide's own.
TileDecoding decoding_of(const TileDecoder& decoder, TileFinder find);

/// Lets it decode the tiles of these slides' files, where nothing lies between them and the network
/// (tiles that are no JPEG streams, or not at the view's scale, stay their readers'); returns the
/// count of those that it has decoded.
std::shared_ptr<const std::atomic<int64_t>> use_tile_decoder(
    const TileDecoder& decoder, const std::vector<std::vector<SlideInput>*>& slides);

}  // namespace untiled
