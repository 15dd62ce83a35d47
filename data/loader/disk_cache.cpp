#include "data/loader/disk_cache.h"

#include <mutex>
#include <utility>
#include <vector>

#include "data/loader/block_grid.h"
#include "data/loader/cache.h"
#include "lib/core/scratch_file.h"

namespace untiled {
namespace {

class DiskCache : public PixelSource {
 public:
  DiskCache(std::shared_ptr<const PixelSource> source, const std::filesystem::path& folder)
      : source_(std::move(source)),
        grid_(source_->extent(), kCacheBlockSide),
        file_(folder, {"the slide cache",
                       "free space there, set run.scratch to a larger disk or data.cache to none"}),
        slots_(grid_.count()) {}

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }

  PixelBlock read(const Region& region) const override {
    if (!whole(extent()).contains(region)) return source_->read(region);
    PixelBlock result = blank_block(region, channels());
    for (const size_t index : grid_.covering(region)) {
      copy_overlap(block_rows(index, region.rows), result);
    }
    return result;
  }

 private:
  enum class State { kEmpty, kFull, kFullWithMarks };
  struct Slot {
    std::mutex mutex;
    State state = State::kEmpty;
  };

  /// At least those rows of the block: all of it when it is read for the first time.
  PixelBlock block_rows(size_t index, const Interval& rows) const {
    Slot& slot = slots_[index];
    std::unique_lock lock(slot.mutex);
    if (slot.state == State::kEmpty) {
      PixelBlock block = source_->read(grid_.block(index));
      store(index, block);
      slot.state = block.missing.empty() ? State::kFull : State::kFullWithMarks;
      return block;
    }
    const bool marked = slot.state == State::kFullWithMarks;
    lock.unlock();
    return load(index, intersect(grid_.block(index).rows, rows), marked);
  }

  void store(size_t index, const PixelBlock& block) const {
    file_.write(pixels_at(index), block.bytes);
    file_.write(marks_at(index), block.missing);
  }

  PixelBlock load(size_t index, const Interval& rows, bool marked) const {
    const Region stored = grid_.block(index);
    PixelBlock block = blank_block({rows, stored.cols}, channels());
    const int64_t skipped = (rows.begin - stored.rows.begin) * stored.cols.size();
    file_.read(pixels_at(index) + skipped * channels(), block.bytes);
    if (marked) {
      block.missing.resize(static_cast<size_t>(block.region.area()));
      file_.read(marks_at(index) + skipped, block.missing);
    }
    return block;
  }

  int64_t plane_bytes() const { return grid_.side() * grid_.side(); }
  int64_t pixels_at(size_t index) const {
    return static_cast<int64_t>(index) * plane_bytes() * (channels() + 1);
  }
  int64_t marks_at(size_t index) const { return pixels_at(index) + plane_bytes() * channels(); }

  std::shared_ptr<const PixelSource> source_;
  BlockGrid grid_;
  ScratchFile file_;
  mutable std::vector<Slot> slots_;
};

}  // namespace

std::shared_ptr<const PixelSource> make_disk_cache(std::shared_ptr<const PixelSource> source,
                                                   const std::filesystem::path& folder) {
  return std::make_shared<DiskCache>(std::move(source), folder);
}

}  // namespace untiled
