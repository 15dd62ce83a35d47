// A filtered slide, chunk by chunk, with the bits of run_tiled, made by a CUDA device.
#pragma once

#include <memory>
#include <vector>

#include "lib/filters/cuda/device_chain.h"
#include "lib/filters/recoloring.h"
#include "lib/filters/tile_tasks.h"
#include "lib/filters/tiled_run.h"

namespace untiled::filters {

struct DeviceOptions {
  int64_t batch = 0;  ///< Chunks side by side that are made together; 0: some 32 MiB of them.
};

/// Where chunks go that are written from the device's memory, as a ChunkWriter has them.
using DeviceChunkWriter =
    std::function<void(const Region& chunk, DeviceAddress bytes, int64_t size)>;

struct DeviceNeeds {
  int64_t host_bytes = 0;    ///< Pinned, for pixels and chunks on their way.
  int64_t device_bytes = 0;  ///< A ring of the slide's tiles, and batches in work.
};

/// Threads decode tiles and send them to a ring on the device; a batch of chunks is filtered there
/// with one launch a filter (two for a Gaussian) and comes back as it will be written. What chunks
/// hold depends on neither batches, tiles, workers nor order.
class DeviceRun {
 public:
  /// `recoloring` is macenko's table, in which colours that occur should be known already; null
  /// where the chain has no macenko. `options.reading` must be kTiled. All must outlive the run.
  /// Throws ConfigError where the device has too little memory.
  DeviceRun(const FilterDevice& device, const PixelSource& source,
            const std::vector<FilterSpec>& chain, std::shared_ptr<const Recoloring> recoloring,
            const TiledOptions& options, const DeviceOptions& device_options = {});
  ~DeviceRun();

  const DeviceNeeds& needs() const { return needs_; }
  /// As run_tiled. Throws what source and writer throw, Interrupted, and CudaFault.
  TiledCounts run(const ChunkWriter& write);
  /// The same, but chunks do not come back to the host.
  TiledCounts run_on_device(const DeviceChunkWriter& write);

 private:
  class Colors;
  class Ring;
  class Worker;
  /// One of them.
  struct Outlet {
    ChunkWriter from_host;
    DeviceChunkWriter from_device;
  };

  TiledCounts run_to(const Outlet& outlet);
  Region batch_at(int64_t row, int64_t col) const;
  int64_t chunk_bytes() const;
  /// Of one worker.
  DeviceNeeds worker_needs() const;
  void require_memory() const;

  const FilterDevice& device_;
  const PixelSource& source_;
  const TiledOptions& options_;
  CellLayout cells_;
  std::unique_ptr<Colors> colors_;
  DeviceChain chain_;
  int64_t batch_;
  ChunkGrid grid_;  ///< Of batches.
  TilePlan plan_;
  DeviceNeeds needs_;
};

}  // namespace untiled::filters
