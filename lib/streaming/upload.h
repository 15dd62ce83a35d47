// Brings what was read on the host to where it is computed with.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace untiled {

/// On CUDA a stream of its own copies from pinned memory, so that the host goes on and the device
/// computes meanwhile, a few uploads behind at most; elsewhere a plain copy, on a CPU none. Any
/// thread.
class Upload {
 public:
  explicit Upload(at::Device device);

  at::Device device() const { return device_; }

  /// `host` on the device. Whatever this thread asks the device for afterwards waits for it; the
  /// host does not, and may free `host` at once.
  at::Tensor operator()(const at::Tensor& host) const;
  /// New bytes on the device that `fill` makes by work on the stream that it is given (a CUstream;
  /// null where the device is none of CUDA's), which is LibTorch's own meanwhile. The host waits
  /// until that work is done.
  at::Tensor filled(at::IntArrayRef sizes,
                    const std::function<void(const at::Tensor& bytes, void* stream)>& fill) const;
  /// Until the device has done all that it was asked for. What failed there is left to the next
  /// operation to report.
  void wait() const noexcept;

 private:
  void wait_for_others(const c10::Stream& computes) const;

  at::Device device_;
  std::optional<c10::Stream> copies_;
  mutable std::mutex mutex_;
  mutable std::deque<c10::Event> computed_;  ///< What came before each of the last uploads.
};

}  // namespace untiled
