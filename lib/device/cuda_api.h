// The functions of libuntiled_cuda, the one library that links CUDA. It is opened at run time, so
// that one binary serves machines with and without a GPU; hence C types only.
#pragma once

#include <cstdint>

extern "C" {

struct UntiledCudaDevice {
  char name[256];
  int64_t memory_bytes;
  int compute_major;
  int compute_minor;
};

/// Versions as CUDA encodes them (13000 is 13.0); 0 when there is none. Returns a CUDA error code.
int untiled_cuda_versions(int* driver, int* runtime);
/// Number of devices; a CUDA error code below zero, negated.
int untiled_cuda_device_count();
/// Begins no work on the device. Returns a CUDA error code.
int untiled_cuda_device(int index, UntiledCudaDevice* device);
const char* untiled_cuda_error(int code);
}
