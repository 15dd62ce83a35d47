// One CUDA device at work: memory, streams and kernels, each freed by its owner. The driver is
// found at run time; nothing here links CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/cuda/driver_calls.h"

namespace untiled {

/// A device with its primary context. What is made from it must not outlive it. Any thread, but a
/// thread must call `use` before it works with the device.
class Gpu {
 public:
  /// Device `index` of the driver's library. Throws ConfigError that says what is missing and what
  /// to do: no driver, no such device, a driver that fails.
  explicit Gpu(int index, const std::string& library = "libcuda.so.1");
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  /// Makes the device this thread's. Throws CudaFault.
  void use() const;
  /// Memory that nobody has. Throws CudaFault.
  int64_t free_bytes() const;
  /// As the driver counts the devices that this process may see.
  int index() const { return index_; }
  /// "NVIDIA H100, compute capability 9.0"
  const std::string& name() const { return name_; }
  /// Two of one number are one device. Throws CudaFault.
  DeviceUuid uuid() const;
  const DriverCalls& calls() const { return calls_; }

 private:
  DriverCalls calls_{};
  int index_;
  int device_ = 0;
  void* context_ = nullptr;
  std::string name_;
};

/// The N of "cuda" (0) or "cuda:N". Throws ConfigError for anything else.
int cuda_index(const std::string& device);

/// Bytes on a device, not initialised. Throws CudaFault, where it has no more.
class DeviceMemory {
 public:
  DeviceMemory(const Gpu& gpu, int64_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  DeviceAddress address() const { return address_; }
  int64_t size_bytes() const { return bytes_; }
  /// As kernels take it.
  template <typename T>
  T* as() const {
    return device_pointer<T>(address_);
  }

 private:
  const DriverCalls& calls_;
  int64_t bytes_;
  DeviceAddress address_ = 0;
};

/// The host's memory that the device copies from and to by itself; it begins at a page.
class PinnedMemory {
 public:
  PinnedMemory(const Gpu& gpu, int64_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  int64_t size_bytes() const { return bytes_; }

 private:
  const DriverCalls& calls_;
  int64_t bytes_;
  void* data_ = nullptr;
};

/// Kernels that the driver compiles from PTX for its device.
class KernelModule {
 public:
  /// `ptx` ends with a 0. Throws CudaFault, for a driver that is older than the PTX, say.
  KernelModule(const Gpu& gpu, const char* ptx);
  ~KernelModule();
  KernelModule(const KernelModule&) = delete;
  KernelModule& operator=(const KernelModule&) = delete;

  /// Throws CudaFault where there is none of that name.
  void* function(const char* name) const;

 private:
  const DriverCalls& calls_;
  void* module_ = nullptr;
};

/// Work that is done in order, beside other streams'. All of it is asynchronous: memory must stay
/// until `wait` came back. Throws CudaFault. One thread.
class GpuStream {
 public:
  explicit GpuStream(const Gpu& gpu);
  ~GpuStream();
  GpuStream(const GpuStream&) = delete;
  GpuStream& operator=(const GpuStream&) = delete;

  void copy_to_device(DeviceAddress to, const void* from, int64_t bytes);
  void copy_to_host(void* to, DeviceAddress from, int64_t bytes);
  /// `rows` rows of `bytes` bytes each, whose distances are given.
  void copy_rows_to_device(DeviceAddress to, int64_t to_row_bytes, const void* from,
                           int64_t from_row_bytes, int64_t bytes, int64_t rows);
  /// The same from the device's memory.
  void copy_rows_on_device(DeviceAddress to, int64_t to_row_bytes, DeviceAddress from,
                           int64_t from_row_bytes, int64_t bytes, int64_t rows);
  void clear(DeviceAddress to, int64_t bytes);
  /// The most that a launch has down.
  static constexpr int64_t kMostDown = int64_t{65535} * 4;
  /// At least so many threads across and down, in blocks; `argument` is the kernel's only one.
  void launch(void* function, int64_t across, int64_t down, void* argument);
  /// Until all of it is done.
  void wait();
  /// Whether any of it is not.
  bool is_busy();
  /// The driver's own CUstream, for libraries that work on it.
  void* handle() const { return stream_; }

 private:
  const DriverCalls& calls_;
  void* stream_ = nullptr;
};

}  // namespace untiled
