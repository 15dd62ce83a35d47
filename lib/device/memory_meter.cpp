#include "lib/device/memory_meter.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "lib/core/resources.h"

namespace untiled {
namespace {

void warm_up(c10::Device device) {
  const auto options = at::TensorOptions().device(device);
  const at::Tensor image = at::zeros({1, 3, 32, 32}, options);
  at::conv2d(image, at::zeros({2, 3, 3, 3}, options), at::zeros({2}, options));
}

}  // namespace

MemoryMeter::MemoryMeter(c10::Device device) {
  warm_up(device);
  reset_peak_resident();
  base_bytes_ = resident_bytes();
}

int64_t MemoryMeter::used_bytes() const {
  return std::max<int64_t>(0, peak_resident_bytes() - base_bytes_);
}

}  // namespace untiled
