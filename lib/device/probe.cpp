#include <ATen/Context.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <mutex>

#include "lib/device/cuda_api.h"
#include "lib/device/device.h"

namespace untiled {
namespace {

/// A shared library opened for the life of the process (LibTorch registers itself in globals).
void* open_library(const std::string& name) { return dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL); }

std::string open_error() {
  const char* message = dlerror();
  return message != nullptr ? message : "unknown error";
}

template <typename Function>
Function* find(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

/// The folder that holds this very executable. Of a program that was found through PATH dladdr
/// knows only the name that was typed.
std::filesystem::path own_folder() {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) return executable.parent_path();
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&probe_cuda), &info) == 0) return {};
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

constexpr const char* kInstall =
    "install LibTorch's CUDA libraries with scripts/setup.sh --cuda, or set device: cpu";

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

constexpr const char* kCudaLibrary = "libuntiled_cuda.so";

/// The library beside the executable or in the build's lib folder, else the system's. `problem`
/// says why the first that exists cannot be loaded.
void* open_untiled_cuda(std::string& problem) {
  for (const char* place : {"", "../lib/"}) {
    const std::filesystem::path file = own_folder() / place / kCudaLibrary;
    if (void* library = open_library(file.string())) return library;
    std::error_code error;
    if (problem.empty() && std::filesystem::exists(file, error)) problem = open_error();
  }
  void* library = open_library(kCudaLibrary);
  if (library == nullptr && problem.empty()) problem = open_error();
  return library;
}

/// The functions of libuntiled_cuda.
struct CudaApi {
  decltype(untiled_cuda_versions)* versions;
  decltype(untiled_cuda_device_count)* count;
  decltype(untiled_cuda_device)* describe;
  decltype(untiled_cuda_error)* error_text;

  explicit CudaApi(void* library)
      : versions(find<decltype(untiled_cuda_versions)>(library, "untiled_cuda_versions")),
        count(find<decltype(untiled_cuda_device_count)>(library, "untiled_cuda_device_count")),
        describe(find<decltype(untiled_cuda_device)>(library, "untiled_cuda_device")),
        error_text(find<decltype(untiled_cuda_error)>(library, "untiled_cuda_error")) {}
};

/// Of LibTorch's build for CUDA 13, times ten.
constexpr int kLeastCapability = 75;

GpuState describe_gpu(const CudaApi& cuda, int index, int driver) {
  GpuState gpu;
  UntiledCudaDevice device;
  if (const int error = cuda.describe(index, &device)) {
    gpu.detail = fmt::format("CUDA device {}", index);
    gpu.problem = fmt::format(" does not answer: {}", cuda.error_text(error));
    return gpu;
  }
  gpu.memory_bytes = device.memory_bytes;
  gpu.detail = fmt::format("{}, compute capability {}.{}, driver for CUDA {}", device.name,
                           device.compute_major, device.compute_minor, version_text(driver));
  if (10 * device.compute_major + device.compute_minor < kLeastCapability) {
    gpu.problem = ", but LibTorch's build for CUDA 13 needs 7.5 or newer; set device: cpu";
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

/// What keeps CUDA from running at all, or nothing; the driver's version.
std::string find_cuda_problem(const CudaApi& cuda, int& driver) {
  int runtime = 0;
  if (const int error = cuda.versions(&driver, &runtime)) {
    return fmt::format("the CUDA driver does not answer: {}", cuda.error_text(error));
  }
  if (driver < runtime) {
    return fmt::format("the driver supports CUDA {}, this build needs {}: update the driver",
                       version_text(driver), version_text(runtime));
  }
  return "";
}

BackendState probe_cuda_once() {
  BackendState state{.name = "cuda"};
#ifdef __APPLE__
  state.detail = "this is a Mac: use mps";
  return state;
#else
  if (open_library("libcuda.so.1") == nullptr) {
    state.detail = "no NVIDIA driver was found (libcuda.so.1); install one, or set device: cpu";
    return state;
  }
  state.has_hardware = true;
  std::string problem;
  void* library = open_untiled_cuda(problem);
  if (library == nullptr) {
    state.detail = fmt::format("libuntiled_cuda cannot be loaded ({}); {}", problem, kInstall);
    return state;
  }
  const CudaApi cuda(library);
  int driver = 0;
  state.detail = find_cuda_problem(cuda, driver);
  if (!state.detail.empty()) return state;
  const int count = cuda.count();
  if (count <= 0) {
    state.has_hardware = count < 0;
    state.detail = count < 0 ? fmt::format("CUDA finds no device: {}", cuda.error_text(-count))
                             : "a CUDA driver is there but no device";
    return state;
  }
  problem = open_torch_cuda();
  for (int i = 0; i < count; ++i) {
    state.devices.push_back(describe_gpu(cuda, i, driver));
    if (!problem.empty()) state.devices.back().problem = problem;
  }
  const GpuState& first = state.devices.front();
  state.detail = first.detail + first.problem;
  state.usable = first.problem.empty();
  return state;
#endif
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
