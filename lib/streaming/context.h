// What passes over slides share and keep: threads, the way to the device, memory.
#pragma once

#include <memory>

#include "lib/core/page_pool.h"
#include "lib/core/ring_pool.h"
#include "lib/streaming/tile_workers.h"
#include "lib/streaming/upload.h"

namespace untiled {

/// Of one device; several executors may have it one after the other.
struct StreamingContext {
  explicit StreamingContext(c10::Device device) : workers(device), upload(device) {}

  TileWorkers workers;
  Upload upload;
  std::shared_ptr<PagePool> pages = std::make_shared<PagePool>();  ///< Of whole stored layers.
  std::shared_ptr<RingPool> rings = std::make_shared<RingPool>();  ///< Of bands of rows.
};

}  // namespace untiled
