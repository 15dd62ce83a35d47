#include "lib/streaming/download.h"

#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace untiled {

at::Tensor to_host(const at::Tensor& value) {
  if (!value.is_cuda()) return value.to(at::kCPU);
  const at::Tensor dense = value.contiguous();
  at::Tensor host = at::empty(dense.sizes(), dense.options().device(at::kCPU).pinned_memory(true));
  host.copy_(dense, /*non_blocking=*/true);
  c10::Event copied(at::kCUDA);
  copied.record(c10::impl::VirtualGuardImpl(at::kCUDA).getStream(dense.device()));
  copied.synchronize();
  return host;
}

}  // namespace untiled
