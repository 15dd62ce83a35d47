#include <ATen/Context.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <string>

#include "lib/cuda/cuda_driver.h"
#include "lib/device/device.h"

namespace untiled {
namespace {

/// A shared library opened for the life of the process (LibTorch registers itself in globals).
void* open_library(const std::string& name) { return dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL); }

std::string open_error() {
  const char* message = dlerror();
  return message != nullptr ? message : "unknown error";
}

constexpr const char* kInstall =
    "install LibTorch's CUDA libraries with scripts/setup.sh --cuda, or set device: cpu";

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

/// Of LibTorch's build for CUDA 13, times ten.
constexpr int kLeastCapability = 75;

GpuState describe_gpu(const CudaDriver& driver, int index) {
  GpuState gpu;
  try {
    const CudaDevice device = driver.device(index);
    gpu.memory_bytes = device.memory_bytes;
    gpu.detail =
        fmt::format("{}, compute capability {}.{}, driver for CUDA {}", device.name,
                    device.compute_major, device.compute_minor, version_text(driver.version()));
    if (10 * device.compute_major + device.compute_minor < kLeastCapability) {
      gpu.problem = ", but LibTorch's build for CUDA 13 needs 7.5 or newer; set device: cpu";
    }
  } catch (const CudaFault& fault) {
    gpu.detail = fmt::format("CUDA device {}", index);
    gpu.problem = fmt::format(" does not answer: {}", fault.what());
  }
  return gpu;
}

/// Opens LibTorch's CUDA side, once a device is known to be there, and says what is wrong with it.
std::string open_torch_cuda() {
  if (open_library("libtorch_cuda.so") == nullptr) {
    return fmt::format(", but libtorch_cuda cannot be loaded ({}); {}", open_error(), kInstall);
  }
  if (!at::hasCUDA()) {
    return fmt::format(", but LibTorch finds no CUDA device; {}", kInstall);
  }
  // The same numbers as on a CPU and a Mac.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
  // The same bits from a repeat or a resumed run: no atomic sums, no choice by measured time.
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
  return "";
}

/// Throws CudaFault where the driver cannot serve LibTorch's runtime library.
void check_versions(const CudaDriver& driver) {
  const int served = driver.version();
  const int needed = cuda_runtime_version();
  if (served >= needed) return;
  throw CudaFault(fmt::format("it supports CUDA {}, this build needs {}: update the driver",
                              version_text(served), version_text(needed)));
}

void describe_gpus(const CudaDriver& driver, int count, BackendState& state) {
  const std::string problem = open_torch_cuda();
  for (int i = 0; i < count; ++i) {
    state.devices.push_back(describe_gpu(driver, i));
    if (!problem.empty()) state.devices.back().problem = problem;
  }
  const GpuState& first = state.devices.front();
  state.detail = first.detail + first.problem;
  state.usable = first.problem.empty();
}

BackendState probe_cuda_once() {
  BackendState state{.name = "cuda"};
  try {
    const auto driver = CudaDriver::open();
    if (!driver) {
      state.detail = at::hasMPS() ? "this is a Mac: use mps"
                                  : "no NVIDIA driver was found (libcuda.so.1); install one, or "
                                    "set device: cpu";
      return state;
    }
    state.has_hardware = true;
    check_versions(*driver);
    const int count = driver->device_count();
    state.has_hardware = count > 0;
    state.detail = "a CUDA driver is there but no device";
    if (count > 0) describe_gpus(*driver, count, state);
  } catch (const CudaFault& fault) {
    state.has_hardware = true;
    state.detail = fmt::format("the CUDA driver cannot be used: {}", fault.what());
  }
  return state;
}

}  // namespace

BackendState probe_cuda() {
  static const BackendState state = probe_cuda_once();
  return state;
}

BackendState probe_mps() {
  BackendState state{.name = "mps"};
  state.usable = at::hasMPS();
  state.has_hardware = state.usable;
  state.detail = state.usable ? "Metal Performance Shaders"
                              : "this is no Mac with Metal, or LibTorch was built without it; set "
                                "device: cpu";
  return state;
}

}  // namespace untiled
