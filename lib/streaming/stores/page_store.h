// A layer of a whole slide in main memory.
#pragma once

#include <memory>

#include "lib/core/page_pool.h"
#include "lib/streaming/stores/blocked_store.h"

namespace untiled {

/// Its blocks lie one below the other, so that any region is viewed where it lies.
class PageStore : public BlockedStore {
 public:
  /// Throws std::bad_alloc.
  PageStore(int64_t channels, const Extent& extent, at::ScalarType dtype, PagePool& pool);

  at::Tensor view(const Region& region) override;

 private:
  at::Tensor in_pages(const Region& region) const;
  template <typename Visit>
  void for_each_range(const Interval& rows, Visit visit) const;
  void begin(size_t index) override;
  void free(size_t index) override;
  at::Tensor load(size_t index, const Region& part) const override;
  void save(size_t index, const Region& part, const at::Tensor& value) override;

  std::shared_ptr<MappedMemory> pages_;  ///< [channels, rows, cols]
};

}  // namespace untiled
