// Where a layer's values or gradients are kept while a slide is streamed.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lib/core/region.h"

namespace untiled {

/// [channels, rows, cols] of a whole slide, of which an implementation may hold some rows at a
/// time. Zeros until written. Threads may write or add to regions that do not overlap and read
/// regions that nobody writes; the schedule sees to it that rows are used while they are held.
class LayerStore {
 public:
  virtual ~LayerStore() = default;

  /// [1, channels, rows, cols], not to be written to; where it lies if that is possible. The values
  /// of a row lie together while rows and channels may lie anywhere. Not to be used once its rows
  /// are released.
  virtual at::Tensor view(const Region& region) = 0;
  /// `value` is [1, channels, rows, cols] of `region`.
  virtual void write(const Region& region, const at::Tensor& value) = 0;
  /// Adds to what is stored, in the caller's order.
  virtual void add(const Region& region, const at::Tensor& value) = 0;
  /// Rows above `row` are not used again. From any thread; a lower row than before changes nothing.
  virtual void release_rows(int64_t row) = 0;
};

/// The part of a [..., rows, cols] tensor that starts at `origin` and covers `region`.
inline at::Tensor part_of(const at::Tensor& t, const Region& region, const Region& origin) {
  return t.narrow(-2, region.rows.begin - origin.rows.begin, region.rows.size())
      .narrow(-1, region.cols.begin - origin.cols.begin, region.cols.size());
}

}  // namespace untiled
