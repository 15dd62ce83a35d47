// Brings results from the device to the host.
#pragma once

#include <ATen/core/Tensor.h>

namespace untiled {

/// `value` on the CPU; on a CPU itself. The calling thread waits for what the device was asked for
/// before, and not for what other threads ask for meanwhile.
at::Tensor to_host(const at::Tensor& value);

}  // namespace untiled
