// The rows of a layer that live at a time, in a ring in main memory.
#pragma once

#include <mutex>

#include "lib/core/ring_pool.h"
#include "lib/streaming/stores/layer_store.h"
#include "lib/streaming/stores/ring_rows.h"

namespace untiled {

/// What a ring's rows hold before anybody writes to them.
enum class RingUse {
  kValues,  ///< What a turn of the ring left there: whoever makes the rows writes all that is read.
  kSums,    ///< Zeros, to which others add.
};

/// Row y lies at y modulo the ring's rows. Any region of at most so many rows is viewed without a
/// copy.
class RingStore : public LayerStore {
 public:
  /// Holds at least `rows` rows of an `extent` with `channels` channels. Throws std::bad_alloc.
  RingStore(int64_t channels, const Extent& extent, int64_t rows, at::ScalarType dtype, RingUse use,
            RingPool& pool);

  at::Tensor view(const Region& region) override;
  void write(const Region& region, const at::Tensor& value) override;
  void add(const Region& region, const at::Tensor& value) override;
  void release_rows(int64_t row) override;

 private:
  void check(const Region& region) const;
  void begin_rows(int64_t end);
  at::Tensor in_place(const Region& region) const;

  int64_t channels_;
  Extent extent_;
  at::ScalarType dtype_;
  RingUse use_;
  int64_t plane_stride_;  ///< In elements: a row of one channel.
  RingRows rows_;
  std::mutex mutex_;
  int64_t begun_ = 0;  ///< Of kSums: rows below this one hold zeros or sums.
  int64_t released_ = 0;
};

}  // namespace untiled
