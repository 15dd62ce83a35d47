// A tensor of a whole slide, written as blocks (row bands, cut into columns where a row is very
// wide), never as one tensor: at 20 gigapixels a stored layer has more than 2^31 elements. In main
// memory the blocks lie one below the other, so that any region can be looked at where it lies.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/core/page_pool.h"
#include "lib/core/region.h"

namespace untiled {

/// Where and how blocks are kept.
struct StoreOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  int64_t block_bytes = 4 << 20;    ///< Aim for the size of a block; at least one row.
  int64_t max_dimension = 1 << 15;  ///< Columns of a block at most.
  std::filesystem::path scratch;    ///< Keep the blocks in a file in this folder, not in memory.
  std::shared_ptr<PagePool> pages;  ///< Where main memory comes from; null: the system.
};

/// [channels, rows, cols] of zeros until written. A block takes memory from the first write to it
/// until it is released. Threads may write regions that do not overlap and read regions that
/// nobody writes; `add` and `release_rows` need the caller's order.
class SlideStore {
 public:
  SlideStore(int64_t channels, const Extent& extent, const StoreOptions& options);
  ~SlideStore();
  SlideStore(const SlideStore&) = delete;
  SlideStore& operator=(const SlideStore&) = delete;

  const Extent& extent() const { return extent_; }
  /// A copy, [1, channels, rows, cols]; blocks never written read as zeros.
  at::Tensor read(const Region& region) const;
  /// The same without a copy where the store is in main memory: not to be written to, and not to
  /// be used once its rows are released, which throws InternalError for new ones.
  at::Tensor view(const Region& region) const;
  /// `value` is [1, channels, rows, cols] of `region`.
  void write(const Region& region, const at::Tensor& value);
  /// Adds to what is stored.
  void add(const Region& region, const at::Tensor& value);
  /// True when no block of the region was ever written.
  bool is_untouched(const Region& region) const;
  /// Frees blocks that lie wholly above `row`; they must not be used again.
  void release_rows(int64_t row);

  /// Bytes that a store of this shape takes when every block is written.
  static int64_t full_bytes(int64_t channels, const Extent& extent, at::ScalarType dtype);

 private:
  class Scratch;
  struct Block {
    Region region;
    at::Tensor values;  ///< [channels, rows, cols]; undefined until written or in a file.
    int64_t file_offset = 0;
    bool written = false;
    bool released = false;
  };

  template <typename Visit>
  void for_each_block(const Region& region, Visit visit) const;
  void ensure(Block& block) const;
  at::Tensor in_pages(const Region& region) const;
  /// Calls `visit(begin, end)` for the bytes of some rows in `pages_`, one range a channel.
  template <typename Visit>
  void for_each_range(const Interval& rows, Visit visit) const;
  void check_inside(const Region& region) const;
  at::Tensor load(const Block& block, const Region& part) const;
  void save(Block& block, const Region& part, const at::Tensor& value);

  int64_t channels_;
  Extent extent_;
  StoreOptions options_;
  Extent block_extent_;
  int64_t blocks_across_;
  mutable std::vector<Block> blocks_;
  mutable std::mutex allocation_;
  std::unique_ptr<Scratch> scratch_;
  std::shared_ptr<MappedMemory> pages_;  ///< In main memory: [channels, rows, cols].
};

}  // namespace untiled
