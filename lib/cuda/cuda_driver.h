// NVIDIA's driver, opened at run time, so that one binary serves machines with and without a GPU
// and building it needs neither CUDA's headers nor its libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace untiled {

/// The driver refused a call; what() is its own sentence.
class CudaFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CudaDevice {
  std::string name;
  int64_t memory_bytes = 0;
  int compute_major = 0;
  int compute_minor = 0;
};

/// The few functions of the driver that describe devices; they begin no work on one. Any thread may
/// call them.
class CudaDriver {
 public:
  /// Opens the driver's library for the life of the process; nothing where there is none. Throws
  /// CudaFault where it is no driver.
  static std::optional<CudaDriver> open(const std::string& library = "libcuda.so.1");

  /// The newest CUDA that the driver serves, as CUDA encodes it (13000 is 13.0). Throws CudaFault.
  int version() const;
  /// Devices that this process may see. Throws CudaFault.
  int device_count() const;
  /// Of index 0 to device_count() - 1. Throws CudaFault.
  CudaDevice device(int index) const;

 private:
  // Declared as the driver's stable binary interface has them: cuda.h is not needed. CUresult,
  // CUdevice and CUdevice_attribute are ints there.
  using Init = int(unsigned flags);
  using DriverGetVersion = int(int* version);
  using DeviceGetCount = int(int* count);
  using DeviceGet = int(int* device, int ordinal);
  using DeviceGetName = int(char* name, int length, int device);
  using DeviceTotalMem = int(size_t* bytes, int device);
  using DeviceGetAttribute = int(int* value, int attribute, int device);
  using GetErrorString = int(int error, const char** text);

  explicit CudaDriver(void* library);
  void check(int result) const;
  int attribute(int attribute, int device) const;

  Init* init_;
  DriverGetVersion* driver_get_version_;
  DeviceGetCount* device_get_count_;
  DeviceGet* device_get_;
  DeviceGetName* device_get_name_;
  DeviceTotalMem* device_total_mem_;
  DeviceGetAttribute* device_get_attribute_;
  GetErrorString* get_error_string_;
};

/// The CUDA version of the runtime library that LibTorch brought; 0 where it brought none.
int cuda_runtime_version();

}  // namespace untiled
