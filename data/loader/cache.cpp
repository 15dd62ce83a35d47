#include "data/loader/cache.h"

#include <atomic>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "data/loader/block_grid.h"
#include "data/loader/scratch_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

class RamCache : public PixelSource {
 public:
  RamCache(std::shared_ptr<const PixelSource> source, int64_t budget_bytes)
      : source_(std::move(source)),
        grid_(source_->extent(), kCacheBlockSide),
        budget_bytes_(budget_bytes),
        slots_(grid_.count()) {}

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }

  PixelBlock read(const Region& region) const override {
    if (!whole(extent()).contains(region)) return source_->read(region);
    PixelBlock result = blank_block(region, channels());
    for (const size_t index : grid_.covering(region)) {
      const auto block = block_or_null(index);
      result = block
                   ? paste(std::move(result), *block)
                   : paste(std::move(result), source_->read(intersect(grid_.block(index), region)));
    }
    return result;
  }

 private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const PixelBlock> block;
  };

  /// The kept block, or a fresh one where the budget has just ended; null once it has.
  std::shared_ptr<const PixelBlock> block_or_null(size_t index) const {
    Slot& slot = slots_[index];
    const std::lock_guard lock(slot.mutex);
    if (slot.block || full_) return slot.block;
    auto block = std::make_shared<const PixelBlock>(source_->read(grid_.block(index)));
    if (reserve(static_cast<int64_t>(block->size_bytes()))) slot.block = block;
    return block;
  }

  bool reserve(int64_t bytes) const {
    if (held_bytes_.fetch_add(bytes) + bytes <= budget_bytes_) return true;
    held_bytes_ -= bytes;
    full_ = true;
    return false;
  }

  std::shared_ptr<const PixelSource> source_;
  BlockGrid grid_;
  int64_t budget_bytes_;
  mutable std::vector<Slot> slots_;
  mutable std::atomic<int64_t> held_bytes_ = 0;
  mutable std::atomic<bool> full_ = false;
};

class DiskCache : public PixelSource {
 public:
  DiskCache(std::shared_ptr<const PixelSource> source, const std::filesystem::path& folder)
      : source_(std::move(source)),
        grid_(source_->extent(), kCacheBlockSide),
        file_(folder),
        slots_(grid_.count()) {}

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }

  PixelBlock read(const Region& region) const override {
    if (!whole(extent()).contains(region)) return source_->read(region);
    PixelBlock result = blank_block(region, channels());
    for (const size_t index : grid_.covering(region)) {
      result = paste(std::move(result), block_rows(index, region.rows));
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

std::shared_ptr<const PixelSource> make_cached(std::shared_ptr<const PixelSource> source,
                                               CacheMode mode, const CacheOptions& options) {
  switch (mode) {
    case CacheMode::kNone:
      return source;
    case CacheMode::kRam:
      return std::make_shared<RamCache>(std::move(source), options.budget_bytes);
    case CacheMode::kDisk:
      if (options.scratch.empty()) {
        throw ConfigError("data.cache: disk needs a folder to write to; set run.scratch");
      }
      return std::make_shared<DiskCache>(std::move(source), options.scratch);
    case CacheMode::kAuto:
      break;
  }
  throw InternalError("data.cache: auto was not resolved before the cache was made");
}

CacheFootprint cache_footprint(CacheMode mode, const Extent& extent, int channels) {
  const int64_t blocks = static_cast<int64_t>(BlockGrid(extent, kCacheBlockSide).count());
  const int64_t pixels = extent.area() * channels;
  const int64_t book_keeping =
      blocks * static_cast<int64_t>(sizeof(std::mutex) + 2 * sizeof(PixelBlock));
  if (mode == CacheMode::kRam) return {pixels + book_keeping, 0};
  if (mode == CacheMode::kDisk) return {book_keeping, pixels};
  return {};
}

}  // namespace untiled
