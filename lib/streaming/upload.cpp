#include "lib/streaming/upload.h"

#include <ATen/ops/empty.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdint>
#include <exception>

namespace untiled {
namespace {

/// Of pixels and labels of tiles: their memory is beside the plan.
constexpr size_t kMostUploads = 6;

/// Metal copies from whole words only, and rows of a slide's bytes begin anywhere.
bool is_askew(const at::Tensor& host, at::Device device) {
  return device.is_mps() && reinterpret_cast<uintptr_t>(host.const_data_ptr()) % 4 != 0;
}

}  // namespace

Upload::Upload(at::Device device) : device_(device) {
  if (!device.is_cuda()) return;
  copies_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

void Upload::wait_for_others(const c10::Stream& computes) const {
  const std::lock_guard lock(mutex_);
  computed_.emplace_back(device_.type());
  computed_.back().record(computes);
  if (computed_.size() <= kMostUploads) return;
  computed_.front().synchronize();
  computed_.pop_front();
}

at::Tensor Upload::operator()(const at::Tensor& host) const {
  if (!copies_) return is_askew(host, device_) ? host.clone().to(device_) : host.to(device_);
  const c10::Stream computes = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  wait_for_others(computes);
  const at::Tensor pinned = at::empty(host.sizes(), host.options().pinned_memory(true)).copy_(host);
  at::Tensor result;
  c10::Event copied(device_.type());
  {
    const c10::StreamGuard guard(*copies_);
    result = pinned.to(host.options().device(device_), /*non_blocking=*/true);
    copied.record(*copies_);
  }
  copied.block(computes);
  // LibTorch would give its memory to the next copy as soon as nobody on the host holds it.
  result.record_stream(computes);
  return result;
}

at::Tensor Upload::filled(
    at::IntArrayRef sizes,
    const std::function<void(const at::Tensor& bytes, void* stream)>& fill) const {
  const auto options = at::TensorOptions().dtype(at::kByte).device(device_);
  if (!copies_) {
    at::Tensor bytes = at::empty(sizes, options);
    fill(bytes, nullptr);
    return bytes;
  }
  const c10::Stream computes = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  wait_for_others(computes);
  at::Tensor bytes;
  c10::Event done(device_.type());
  {
    const c10::StreamGuard guard(*copies_);
    bytes = at::empty(sizes, options);
    fill(bytes, copies_->native_handle());
    done.record(*copies_);
  }
  // What it was made of lies in the host's memory, and may go now.
  done.synchronize();
  bytes.record_stream(computes);
  return bytes;
}

void Upload::wait() const noexcept {
  if (device_.is_cpu()) return;
  try {
    c10::impl::VirtualGuardImpl(device_.type()).synchronizeDevice(device_.index());
  } catch (const std::exception&) {
  }
}

}  // namespace untiled
