// Reads the overlapping regions of one pass so that no cell of the image is decoded twice.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Regions with halos overlap: of the tiles of a file that a region touches, about half belong to
/// its neighbours too. Whoever comes first reads such a cell whole and leaves the neighbours their
/// parts of it, which are mostly narrow strips; with regions in rows about one row of cells waits.
/// Beyond `limit_bytes`, by little, nothing more is left to others, who then read for themselves.
/// A region's pixels lie in a block of whole cells, `held_bytes` of them. Any thread; each index
/// once.
class SharedReads {
 public:
  /// As much as a reader keeps of tiles by default, of which it keeps none when whole ones are
  /// asked for: enough for a slide of 80,000 columns in tiles of 256.
  static constexpr int64_t kLimitBytes = 64 << 20;

  SharedReads(std::shared_ptr<const PixelSource> source, std::vector<Region> regions,
              int64_t limit_bytes = kLimitBytes);

  /// The pixels of region `index`, as the source gives them. Throws what reading threw; cells that
  /// could not be read are tried again by the next region that needs them.
  PixelView read(size_t index);
  /// The most that the block of region `index` takes, a mark for every pixel included.
  int64_t held_bytes(size_t index) const;

 private:
  enum class State : uint8_t { kOpen, kReading, kDone };
  /// What a region gets from cells that others have read.
  struct Inbox {
    std::vector<PixelBlock> parts;
    std::vector<Region> left_out;  ///< For which there was no room.
  };

  Region cells_of(const Region& region) const;
  Region pixels_of(const Region& cells) const;
  size_t at(int64_t row, int64_t col) const { return static_cast<size_t>(row * across_ + col); }
  bool is_inside(const Region& region) const { return whole(source_->extent()).contains(region); }
  std::vector<Region> find_open(const Region& cells) const;
  bool any_being_read(const Region& cells) const;
  std::vector<Region> claim(const Region& cells);
  void set(const Region& cells, State state);
  std::vector<size_t> users(const Region& cells, size_t but) const;
  bool has_room(const Region& part, size_t user);
  void read_cells(const Region& cells, size_t index, PixelBlock& block);
  Inbox take(size_t index);

  std::shared_ptr<const PixelSource> source_;
  std::vector<Region> regions_;
  int64_t limit_bytes_;
  CellGrid grid_;
  int64_t across_ = 0;
  std::vector<std::vector<uint32_t>> users_;  ///< By cell: regions that need it.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<State> states_;   ///< By cell.
  std::vector<Inbox> inboxes_;  ///< By region.
  int64_t held_bytes_ = 0;
};

/// Whether a source has cells of a size that reading them whole makes sense.
bool can_share_reads(const PixelSource& source);

/// What reading a slide in passes takes, beside the queue: parts that wait for their regions and
/// what two reading threads hold. `reader_bytes` is what its reader holds at most, its cache of
/// tiles of the default size included, which stays empty as long as nothing is left out.
int64_t reading_bytes(const PixelSource& source, int64_t reader_bytes);

}  // namespace untiled
