// The driver's interface as lib/cuda declares it against NVIDIA's header, where that is.
#include <cuda.h>

#include <type_traits>

#include "lib/cuda/driver_calls.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// Whether values of both types are passed alike: pointers and handles, or numbers of one size.
template <typename A, typename B>
constexpr bool are_alike = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;

template <typename... As, typename... Bs>
constexpr bool take_alike(CUresult (*)(As...), int (*)(Bs...)) {
  if constexpr (sizeof...(As) == sizeof...(Bs)) return (are_alike<As, Bs> && ...);
  return false;
}

TEST_CASE("functions of the driver take what its header says") {
  constexpr DriverCalls calls{};
  CHECK(take_alike(&cuInit, calls.init));
  CHECK(take_alike(&cuDeviceGet, calls.device_get));
  CHECK(take_alike(&cuDeviceGetUuid, calls.device_uuid));
  CHECK(take_alike(&cuStreamQuery, calls.stream_query));
  CHECK(DriverCalls::kNotReady == CUDA_ERROR_NOT_READY);
  STATIC_REQUIRE(sizeof(DeviceUuid) == sizeof(CUuuid));
  CHECK(take_alike(&cuDevicePrimaryCtxRetain, calls.context_retain));
  CHECK(take_alike(&cuDevicePrimaryCtxRelease, calls.context_release));
  CHECK(take_alike(&cuCtxSetCurrent, calls.context_set_current));
  CHECK(take_alike(&cuMemGetInfo, calls.memory_info));
  CHECK(take_alike(&cuMemAlloc, calls.allocate));
  CHECK(take_alike(&cuMemFree, calls.free));
  CHECK(take_alike(&cuMemHostAlloc, calls.allocate_host));
  CHECK(take_alike(&cuMemFreeHost, calls.free_host));
  CHECK(take_alike(&cuStreamCreate, calls.stream_create));
  CHECK(take_alike(&cuStreamDestroy, calls.stream_destroy));
  CHECK(take_alike(&cuStreamSynchronize, calls.stream_wait));
  CHECK(take_alike(&cuMemcpyHtoDAsync, calls.copy_to_device));
  CHECK(take_alike(&cuMemcpyDtoHAsync, calls.copy_to_host));
  CHECK(take_alike(&cuMemcpy2DAsync, calls.copy_rows));
  CHECK(take_alike(&cuMemsetD8Async, calls.set_bytes));
  CHECK(take_alike(&cuModuleLoadData, calls.module_load));
  CHECK(take_alike(&cuModuleUnload, calls.module_unload));
  CHECK(take_alike(&cuModuleGetFunction, calls.module_function));
  CHECK(take_alike(&cuLaunchKernel, calls.launch));
  CHECK(take_alike(&cuGetErrorString, calls.error_text));
  CHECK_FALSE(take_alike(&cuMemAlloc, calls.free));
}

TEST_CASE("a copy of rows lies in memory as the driver's header says") {
  STATIC_REQUIRE(sizeof(CopyRows) == sizeof(CUDA_MEMCPY2D));
  STATIC_REQUIRE(offsetof(CopyRows, from_kind) == offsetof(CUDA_MEMCPY2D, srcMemoryType));
  STATIC_REQUIRE(offsetof(CopyRows, from_host) == offsetof(CUDA_MEMCPY2D, srcHost));
  STATIC_REQUIRE(offsetof(CopyRows, from_row_bytes) == offsetof(CUDA_MEMCPY2D, srcPitch));
  STATIC_REQUIRE(offsetof(CopyRows, to_kind) == offsetof(CUDA_MEMCPY2D, dstMemoryType));
  STATIC_REQUIRE(offsetof(CopyRows, to_device) == offsetof(CUDA_MEMCPY2D, dstDevice));
  STATIC_REQUIRE(offsetof(CopyRows, to_row_bytes) == offsetof(CUDA_MEMCPY2D, dstPitch));
  STATIC_REQUIRE(offsetof(CopyRows, bytes) == offsetof(CUDA_MEMCPY2D, WidthInBytes));
  STATIC_REQUIRE(offsetof(CopyRows, rows) == offsetof(CUDA_MEMCPY2D, Height));
  CHECK(CopyRows::kHost == CU_MEMORYTYPE_HOST);
  CHECK(CopyRows::kDevice == CU_MEMORYTYPE_DEVICE);
  CHECK(CU_STREAM_NON_BLOCKING == 1);
}

}  // namespace
}  // namespace untiled
