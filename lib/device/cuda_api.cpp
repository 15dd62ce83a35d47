#include "lib/device/cuda_api.h"

#include <cuda_runtime_api.h>

#include <cstring>

int untiled_cuda_versions(int* driver, int* runtime) {
  const cudaError_t error = cudaDriverGetVersion(driver);
  return error != cudaSuccess ? error : cudaRuntimeGetVersion(runtime);
}

int untiled_cuda_device_count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorNoDevice) return 0;
  return error == cudaSuccess ? count : -static_cast<int>(error);
}

int untiled_cuda_device(int index, UntiledCudaDevice* device) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index)) return error;
  std::strncpy(device->name, properties.name, sizeof(device->name) - 1);
  device->name[sizeof(device->name) - 1] = '\0';
  device->compute_major = properties.major;
  device->compute_minor = properties.minor;
  device->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  return cudaSuccess;
}

const char* untiled_cuda_error(int code) {
  return cudaGetErrorString(static_cast<cudaError_t>(code));
}
