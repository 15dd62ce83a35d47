// Who decodes the JPEG tiles of a slide, where the source need not.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "lib/core/stored_tile.h"
#include "lib/cuda/device_jpeg.h"

namespace untiled {

struct TileDecoding {
  TileFinder find;  ///< Of the source's cells; empty: the source decodes.
  std::shared_ptr<const DeviceJpeg> jpeg;
  /// Of tiles that were decoded so; never null where `jpeg` is there.
  std::shared_ptr<std::atomic<int64_t>> count;

  bool takes_any() const { return find && jpeg; }
};

}  // namespace untiled
