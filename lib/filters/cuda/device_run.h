// A filtered slide, chunk by chunk, with the bits of run_tiled, made by a CUDA device.
#pragma once

#include <memory>
#include <vector>

#include "lib/filters/cuda/device_chain.h"
#include "lib/filters/cuda/device_colors.h"
#include "lib/filters/cuda/tile_loader.h"
#include "lib/filters/recoloring.h"
#include "lib/filters/tile_tasks.h"
#include "lib/filters/tiled_run.h"

namespace untiled::filters {

struct DeviceOptions {
  int64_t batch = 0;       ///< Chunks side by side that are made together; 0: some 32 MiB of them.
  int64_t tile_batch = 0;  ///< Tiles side by side that come together; 0: some 32 MiB of them.
  DeviceTiles tiles;       ///< What comes as the file has it.
};

/// Where chunks go that are written from the device's memory, as a ChunkWriter has them.
using DeviceChunkWriter =
    std::function<void(const Region& chunk, DeviceAddress bytes, int64_t size)>;

struct DeviceNeeds {
  int64_t host_bytes = 0;    ///< Pinned, for pixels and chunks on their way.
  int64_t device_bytes = 0;  ///< A ring of the slide's tiles, and batches in work.
};

/// Threads bring tiles to a ring on the device; a batch of chunks is filtered there with one launch
/// a filter (two for a Gaussian) and comes back as it will be written. Or all of the slide is
/// brought there and filtered at once (Reading::kGlobal). What chunks hold depends on neither
/// batches, tiles, workers nor order, and on who decodes JPEG tiles alone.
class DeviceRun {
 public:
  /// `recoloring` is macenko's table, in which colours that occur should be known already; null
  /// where the chain has no macenko. All must outlive the run. Throws ConfigError where the device
  /// has too little memory.
  DeviceRun(const FilterDevice& device, const PixelSource& source,
            const std::vector<FilterSpec>& chain, std::shared_ptr<const Recoloring> recoloring,
            const TiledOptions& options, const DeviceOptions& device_options = {});
  ~DeviceRun();

  const DeviceNeeds& needs() const { return needs_; }
  /// As run_tiled. Throws what source and writer throw, Interrupted, and CudaFault.
  TiledCounts run(const ChunkWriter& write);
  /// The same, but chunks do not come back to the host.
  TiledCounts run_on_device(const DeviceChunkWriter& write);
  /// Tiles that came as the file has them.
  const LoadCounts& loads() const { return loads_; }

 private:
  class Handing;
  class Worker;
  /// One of them.
  struct Outlet {
    ChunkWriter from_host;
    DeviceChunkWriter from_device;
  };

  TiledCounts run_to(const Outlet& outlet);
  void run_tiled(const Outlet& outlet);
  void run_global(const Outlet& outlet);
  void load_all(const DeviceRing& ring);
  void cut_out_all(const DeviceMemory& result, const Outlet& outlet);
  bool is_global() const { return options_.reading == Reading::kGlobal; }
  Region batch_at(int64_t row, int64_t col) const;
  int64_t chunk_bytes() const;
  /// Those of the slide's tiles in a cell of the ring that chunks need.
  std::vector<Region> tiles_in(const Region& cell) const;
  DeviceNeeds all_needs() const;
  void require_possible() const;

  const FilterDevice& device_;
  const PixelSource& source_;
  const TiledOptions& options_;
  DeviceTiles how_;
  CellLayout tiles_;    ///< Of the slide.
  int64_t tile_batch_;  ///< Tiles that a cell of the ring has side by side.
  CellLayout cells_;    ///< Of the ring.
  std::unique_ptr<DeviceColors> colors_;
  DeviceChain chain_;
  int64_t batch_;
  ChunkGrid grid_;        ///< Of batches.
  Interval needed_cols_;  ///< Columns of pixels that chunks need.
  TilePlan plan_;
  DeviceNeeds needs_;
  LoadCounts loads_;
};

}  // namespace untiled::filters
