// Tiles of a slide on their way to a device.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/stored_tile.h"
#include "lib/cuda/device_files.h"
#include "lib/cuda/device_jpeg.h"
#include "lib/filters/cuda/device_ring.h"

namespace untiled::filters {

/// What goes to a device as the file has it.
struct DeviceTiles {
  TileFinder find;                           ///< Empty: the host reads and decodes all tiles.
  std::shared_ptr<const DeviceJpeg> jpeg;    ///< Decodes JPEG tiles; null: the host does.
  std::shared_ptr<const DeviceFiles> files;  ///< Reads raw tiles; null: the host does.

  bool takes_any() const { return find && (jpeg || files); }
};

struct LoadCounts {
  std::atomic<int64_t> decoded{0};  ///< By nvImageCodec.
  std::atomic<int64_t> read{0};     ///< By KvikIO.
};

/// Puts tiles into a ring on the device, several in one batch. One thread.
class TileLoader {
 public:
  /// Bytes of a loader for batches of so many tiles.
  struct Needs {
    int64_t host_bytes = 0;
    int64_t device_bytes = 0;
  };
  static Needs needs(const CellLayout& tiles, int64_t batch, const DeviceTiles& how);

  /// Whose stream is free when load is called; all must outlive it. Throws CudaFault.
  TileLoader(const Gpu& gpu, const PixelSource& source, const CellLayout& tiles, int64_t batch,
             const DeviceTiles& how, LoadCounts& counts);

  /// So many tiles at most, each to its place, where they lie when this comes back. What
  /// nvImageCodec cannot decode the host decodes. Throws what the source throws, DataError,
  /// CudaFault.
  void load(GpuStream& stream, const DeviceRing& ring, const std::vector<Region>& tiles);

 private:
  struct Found {
    Region part;  ///< What the slide shows of it.
    StoredTile stored;
  };

  bool is_whole_tile(const Found& found) const;
  int64_t slot_bytes() const;
  void load_from_host(GpuStream& stream, const DeviceRing& ring, const Region& part);
  void decode(GpuStream& stream, const DeviceRing& ring, const std::vector<Found>& tiles);
  std::vector<JpegPicture> pictures_of(const std::vector<Found>& tiles) const;
  void read_files(GpuStream& stream, const DeviceRing& ring, const std::vector<Found>& tiles);
  int64_t offset_in_slot(const Found& found, size_t slot) const;
  void place_from_device(GpuStream& stream, const DeviceRing& ring, const Found& found,
                         size_t slot) const;
  void place_from_host(GpuStream& stream, const DeviceRing& ring, const Found& found,
                       size_t slot) const;

  const PixelSource& source_;
  const CellLayout& tiles_;
  const DeviceTiles& how_;
  LoadCounts& counts_;
  bool finds_;
  PinnedMemory host_;          ///< One tile that the source reads.
  PinnedMemory host_slots_;    ///< Tiles that nvImageCodec decodes on the host.
  DeviceMemory device_slots_;  ///< Tiles as they come from files or are decoded.
};

}  // namespace untiled::filters
