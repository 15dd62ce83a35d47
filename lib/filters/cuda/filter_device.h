// A CUDA device that has the filters.
#pragma once

#include <string>

#include "lib/cuda/gpu.h"

namespace untiled::filters {

/// The kernels as nvcc made them, for any device of compute capability 7.5 or newer; empty where
/// the build had no nvcc.
const char* filter_ptx();

class FilterDevice {
 public:
  /// "cuda" or "cuda:N". Throws ConfigError that says what is missing and what to do.
  static FilterDevice open(const std::string& device);
  /// Of another driver's library, and other kernels.
  FilterDevice(int index, const std::string& library, const char* ptx);

  const Gpu& gpu() const { return *gpu_; }
  const KernelModule& kernels() const { return *kernels_; }

 private:
  std::shared_ptr<const Gpu> gpu_;
  std::shared_ptr<const KernelModule> kernels_;
};

}  // namespace untiled::filters
