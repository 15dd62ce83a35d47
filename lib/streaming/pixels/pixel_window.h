// The rows of a slide that are decoded at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/ring_pool.h"
#include "lib/streaming/pixels/piece_reader.h"
#include "lib/streaming/upload.h"

namespace untiled {

/// Part of a slide where it is computed with.
struct WindowView {
  at::Tensor pixels;  ///< [rows, cols, 3] uint8, not to be written to.
  Bytes missing;      ///< As in a PixelBlock.
};

/// Filled a piece at a time, each piece once, and looked at by all who need it; the schedule sees
/// to it that rows are viewed while they are held. Threads may fill pieces that do not overlap and
/// view regions that nobody fills.
class PixelWindow {
 public:
  virtual ~PixelWindow() = default;
  /// Throws what reading threw, with the region in its message.
  virtual void fill(const Region& piece) = 0;
  /// `with_missing`: whether marks are wanted.
  virtual WindowView view(const Region& region, bool with_missing) = 0;
  /// Rows above `row` are not used again. From any thread.
  virtual void release_rows(int64_t row) = 0;
};

/// Of `rows` rows at a time, in a ring in main memory. Keeps a reference to `source`.
std::unique_ptr<PixelWindow> make_ring_window(const PixelSource& source, int64_t rows,
                                              RingPool& pool);
/// Of pieces on a device, each read once.
std::unique_ptr<PixelWindow> make_device_window(std::unique_ptr<PieceReader> reader,
                                                at::Device device);
/// Of a source that keeps its pixels, seen where they lie. Keeps references.
std::unique_ptr<PixelWindow> make_kept_window(const PixelSource& source, const Upload& upload);

/// [rows, cols, 3] uint8 where the view's pixels lie.
at::Tensor tensor_of(const PixelView& pixels);

}  // namespace untiled
