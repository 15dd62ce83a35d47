// A tensor of a whole slide, written as blocks (row bands, cut into columns where a row is very
// wide), never as one tensor: at 20 gigapixels a stored layer has more than 2^31 elements.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "lib/streaming/stores/layer_store.h"

namespace untiled {

struct BlockOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  int64_t block_bytes = 4 << 20;    ///< Aim for the size of a block; at least one row.
  int64_t max_dimension = 1 << 15;  ///< Columns of a block at most.
};

/// What is common to stores of blocks: a block takes memory from the first write to it until it is
/// released.
class BlockedStore : public LayerStore {
 public:
  BlockedStore(int64_t channels, const Extent& extent, const BlockOptions& options);

  const Extent& extent() const { return extent_; }
  /// A copy.
  at::Tensor view(const Region& region) override { return read(region); }
  void write(const Region& region, const at::Tensor& value) override;
  void add(const Region& region, const at::Tensor& value) override;
  void release_rows(int64_t row) override;

 protected:
  struct Block {
    Region region;
    int64_t offset = 0;  ///< Bytes of all blocks before it.
    bool is_written = false;
    bool is_released = false;
  };

  int64_t channels() const { return channels_; }
  const BlockOptions& options() const { return options_; }
  int64_t element_bytes() const;
  int64_t size_bytes() const;
  size_t block_count() const { return blocks_.size(); }
  const Block& block(size_t index) const { return blocks_[index]; }

  /// Throws InternalError.
  void check_inside(const Region& region) const;
  /// Blocks never written read as zeros.
  at::Tensor read(const Region& region) const;
  template <typename Visit>
  void for_each_block(const Region& region, Visit visit) const;
  /// Before the first use of a block; once.
  void ensure(size_t index);

 private:
  /// Makes a block hold zeros. Others may begin other blocks meanwhile.
  virtual void begin(size_t index) = 0;
  /// Frees a block's memory.
  virtual void free(size_t index) = 0;
  /// [channels, rows, cols] of a block's part: itself, or a copy of what a file holds.
  virtual at::Tensor load(size_t index, const Region& part) const = 0;
  virtual void save(size_t index, const Region& part, const at::Tensor& value) = 0;
  /// Whether a change to what `load` gave has to be saved.
  virtual bool loads_copies() const { return false; }

  int64_t channels_;
  Extent extent_;
  BlockOptions options_;
  Extent block_extent_;
  int64_t blocks_across_;
  std::vector<Block> blocks_;
  std::mutex mutex_;
};

template <typename Visit>
void BlockedStore::for_each_block(const Region& region, Visit visit) const {
  if (region.empty()) return;
  const Interval rows{region.rows.begin / block_extent_.rows,
                      ceil_div(region.rows.end, block_extent_.rows)};
  const Interval cols{region.cols.begin / block_extent_.cols,
                      ceil_div(region.cols.end, block_extent_.cols)};
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    for (int64_t c = cols.begin; c < cols.end; ++c) {
      const auto index = static_cast<size_t>(r * blocks_across_ + c);
      visit(index, intersect(blocks_[index].region, region));
    }
  }
}

}  // namespace untiled
