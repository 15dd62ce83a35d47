// The driver's functions that do work on a device, by name.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace untiled {

/// CUdeviceptr: an address on the device, which the host must not look at.
using DeviceAddress = unsigned long long;  // NOLINT(google-runtime-int): the driver's own type

/// The same as kernels and libraries take it.
template <typename T>
T* device_pointer(DeviceAddress address) {
  return std::bit_cast<T*>(address);
}

/// CUDA_MEMCPY2D: rows of bytes from one place to another.
struct CopyRows {
  static constexpr unsigned kHost = 1;
  static constexpr unsigned kDevice = 2;

  size_t from_col = 0;
  size_t from_row = 0;
  unsigned from_kind = 0;
  const void* from_host = nullptr;
  DeviceAddress from_device = 0;
  void* from_array = nullptr;
  size_t from_row_bytes = 0;
  size_t to_col = 0;
  size_t to_row = 0;
  unsigned to_kind = 0;
  void* to_host = nullptr;
  DeviceAddress to_device = 0;
  void* to_array = nullptr;
  size_t to_row_bytes = 0;
  size_t bytes = 0;  ///< Of a row.
  size_t rows = 0;
};

/// CUuuid: a number that no other device has, a part of a device that MIG divides included.
struct DeviceUuid {
  std::array<uint8_t, 16> bytes{};
};

/// Declared as the driver's stable binary interface has them: cuda.h is not needed. CUresult and
/// CUdevice are ints; contexts, streams, modules and functions are handles.
struct DriverCalls {
  int (*init)(unsigned flags);
  int (*device_get)(int* device, int ordinal);
  int (*device_uuid)(DeviceUuid* uuid, int device);
  int (*context_retain)(void** context, int device);
  int (*context_release)(int device);
  int (*context_set_current)(void* context);
  int (*memory_info)(size_t* free, size_t* total);
  int (*allocate)(DeviceAddress* address, size_t bytes);
  int (*free)(DeviceAddress address);
  int (*allocate_host)(void** memory, size_t bytes, unsigned flags);
  int (*free_host)(void* memory);
  int (*stream_create)(void** stream, unsigned flags);
  int (*stream_destroy)(void* stream);
  int (*stream_wait)(void* stream);
  int (*stream_query)(void* stream);
  int (*copy_to_device)(DeviceAddress to, const void* from, size_t bytes, void* stream);
  int (*copy_to_host)(void* to, DeviceAddress from, size_t bytes, void* stream);
  int (*copy_rows)(const CopyRows* rows, void* stream);
  int (*set_bytes)(DeviceAddress to, unsigned char value, size_t bytes, void* stream);
  int (*module_load)(void** module, const void* image);
  int (*module_unload)(void* module);
  int (*module_function)(void** function, void* module, const char* name);
  int (*launch)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream,
                void** arguments, void** extra);
  int (*error_text)(int error, const char** text);

  static constexpr int kNotReady = 600;  ///< Of stream_query: it still works.

  /// Throws CudaFault in the driver's own words where `result` is not success. `what` is what was
  /// tried: "load the kernels".
  void check(int result, const char* what) const;
};

/// Of an open driver's library; throws CudaFault where it lacks a function.
DriverCalls find_driver_calls(void* library);

}  // namespace untiled
