// How an executor runs a plan.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "lib/plan/rank_layout.h"
#include "lib/ranks/group.h"
#include "lib/ranks/nccl/nccl_link.h"
#include "lib/streaming/context.h"
#include "lib/streaming/tile_decoding.h"

namespace untiled {

struct ExecutorOptions {
  c10::Device device = c10::kCPU;
  c10::ScalarType dtype = c10::kFloat;
  bool has_float64 = true;          ///< The device can add in float64.
  int64_t max_dimension = 1 << 15;  ///< Of a stored block on a device.
  int workers = 1;                  ///< Threads that compute; results do not depend on it.
  int readers = 0;                  ///< Threads beside them that only read.
  /// Bands that stores of a sweep have room for beyond what one worker needs.
  int spare_bands = 0;
  int64_t spare_pixel_bytes = 0;  ///< The same of each window of pixels.
  std::filesystem::path scratch;  ///< For the plan's spilled layers.
  TileDecoding decoding;          ///< Of the images' tiles, where nothing keeps their pixels.
  /// Of `device`; null: the executor has its own.
  std::shared_ptr<StreamingContext> context;
  /// Called after each tile with the pixels it covers at the slide's resolution; any worker.
  std::function<void(int64_t)> on_pixels;
  /// Ranks that a slide is spread over, each with an executor alike; null: this one alone. All call
  /// the executor's functions together; results are the same on all of them, and those of one rank.
  Group* ranks = nullptr;
  RankLayout layout;  ///< How they are spread.
  /// Between the devices of `ranks`, for their sums; null: those go through the host's memory.
  NcclLink* link = nullptr;
  /// The order of tasks, for tests; see PlayOptions.
  std::function<size_t(size_t)> choose;
};

}  // namespace untiled
