#include "data/loader/ram_cache.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "data/loader/block_grid.h"
#include "data/loader/cache.h"
#include "lib/core/mapped_memory.h"

namespace untiled {
namespace {

class RamCache : public PixelSource, public std::enable_shared_from_this<RamCache> {
 public:
  RamCache(std::shared_ptr<const PixelSource> source, int64_t budget_bytes)
      : source_(std::move(source)),
        grid_(source_->extent(), kCacheBlockSide),
        budget_bytes_(budget_bytes),
        pixels_(source_->extent().area() * source_->channels()),
        slots_(grid_.count()) {}

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }

  PixelView view(const Region& region) const override {
    if (!whole(extent()).contains(region)) return source_->view(region);
    const std::vector<size_t> blocks = grid_.covering(region);
    if (!std::all_of(blocks.begin(), blocks.end(), [&](size_t b) { return keep(b); })) {
      return view_of(read_partly(region, blocks));
    }
    return {.region = region,
            .channels = channels(),
            .data = at(region),
            .row_stride = row_stride(),
            .missing = marks(region, blocks),
            .owner = shared_from_this()};
  }

  PixelBlock read(const Region& region) const override { return copy_of(view(region)); }
  bool keeps_pixels() const override { return true; }
  void keep(const Region& region) const override {
    for (const size_t block : grid_.covering(clip(region, extent()))) keep(block);
  }
  CellGrid cells() const override { return {{grid_.side(), grid_.side()}}; }

 private:
  struct Slot {
    std::mutex mutex;
    bool is_kept = false;
    PixelBlock marks;  ///< Of a block with missing pixels: without bytes.
  };

  int64_t row_stride() const { return extent().cols * channels(); }
  uint8_t* at(const Region& region) const {
    return pixels_.data() + region.rows.begin * row_stride() + region.cols.begin * channels();
  }

  /// Whether a block is kept, which it is from now on while the budget lasts.
  bool keep(size_t index) const {
    Slot& slot = slots_[index];
    const std::lock_guard lock(slot.mutex);
    if (slot.is_kept || full_) return slot.is_kept;
    const Region region = grid_.block(index);
    if (!reserve(region.area() * channels())) return false;
    PixelBlock marks{.region = region, .channels = channels(), .bytes = {}, .missing = {}};
    try {
      source_->read_into(region, {region, channels(), at(region), row_stride(), &marks.missing});
    } catch (...) {
      held_bytes_ -= region.area() * channels();
      throw;
    }
    if (any_missing(marks.missing)) {
      held_bytes_ += static_cast<int64_t>(marks.missing.size());
      slot.marks = std::move(marks);
    }
    slot.is_kept = true;
    return true;
  }

  static bool any_missing(const Bytes& marks) {
    return std::any_of(marks.begin(), marks.end(), [](uint8_t mark) { return mark != 0; });
  }

  bool reserve(int64_t bytes) const {
    if (held_bytes_.fetch_add(bytes) + bytes <= budget_bytes_) return true;
    held_bytes_ -= bytes;
    full_ = true;
    return false;
  }

  /// A region of which not all blocks are kept.
  PixelBlock read_partly(const Region& region, const std::vector<size_t>& blocks) const {
    PixelBlock result = blank_block(region, channels());
    for (const size_t index : blocks) {
      const Region part = intersect(grid_.block(index), region);
      copy_overlap(keep(index) ? read(part) : source_->read(part), result);
    }
    return result;
  }

  Bytes marks(const Region& region, const std::vector<size_t>& blocks) const {
    PixelBlock all{.region = region, .channels = 0, .bytes = {}, .missing = {}};
    for (const size_t index : blocks) {
      // Written before the block was known to be kept, and never again.
      if (!slots_[index].marks.missing.empty()) copy_overlap(slots_[index].marks, all);
    }
    return std::move(all.missing);
  }

  std::shared_ptr<const PixelSource> source_;
  BlockGrid grid_;
  int64_t budget_bytes_;
  MappedMemory pixels_;  ///< Rows of the slide, one after the other.
  mutable std::vector<Slot> slots_;
  mutable std::atomic<int64_t> held_bytes_ = 0;
  mutable std::atomic<bool> full_ = false;
};

}  // namespace

std::shared_ptr<const PixelSource> make_ram_cache(std::shared_ptr<const PixelSource> source,
                                                  int64_t budget_bytes) {
  return std::make_shared<RamCache>(std::move(source), budget_bytes);
}

}  // namespace untiled
