#include "lib/cuda/driver_calls.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "lib/cuda/cuda_driver.h"

namespace untiled {
namespace {

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) throw CudaFault(fmt::format("the driver has no function {}", name));
}

}  // namespace

void DriverCalls::check(int result, const char* what) const {
  if (result == 0) return;
  const char* text = nullptr;
  if (error_text(result, &text) != 0 || text == nullptr) text = "unknown error";
  throw CudaFault(fmt::format("the CUDA device cannot {}: {} (CUDA error {})", what, text, result));
}

DriverCalls find_driver_calls(void* library) {
  DriverCalls calls{};
  find(library, "cuInit", calls.init);
  find(library, "cuDeviceGet", calls.device_get);
  find(library, "cuDeviceGetUuid_v2", calls.device_uuid);
  find(library, "cuDevicePrimaryCtxRetain", calls.context_retain);
  find(library, "cuDevicePrimaryCtxRelease_v2", calls.context_release);
  find(library, "cuCtxSetCurrent", calls.context_set_current);
  find(library, "cuMemGetInfo_v2", calls.memory_info);
  find(library, "cuMemAlloc_v2", calls.allocate);
  find(library, "cuMemFree_v2", calls.free);
  find(library, "cuMemHostAlloc", calls.allocate_host);
  find(library, "cuMemFreeHost", calls.free_host);
  find(library, "cuStreamCreate", calls.stream_create);
  find(library, "cuStreamDestroy_v2", calls.stream_destroy);
  find(library, "cuStreamSynchronize", calls.stream_wait);
  find(library, "cuStreamQuery", calls.stream_query);
  find(library, "cuMemcpyHtoDAsync_v2", calls.copy_to_device);
  find(library, "cuMemcpyDtoHAsync_v2", calls.copy_to_host);
  find(library, "cuMemcpy2DAsync_v2", calls.copy_rows);
  find(library, "cuMemsetD8Async", calls.set_bytes);
  find(library, "cuModuleLoadData", calls.module_load);
  find(library, "cuModuleUnload", calls.module_unload);
  find(library, "cuModuleGetFunction", calls.module_function);
  find(library, "cuLaunchKernel", calls.launch);
  find(library, "cuGetErrorString", calls.error_text);
  return calls;
}

}  // namespace untiled
