// Which device runs the network, its limits, and why.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

namespace untiled {

/// What one operation of a backend can take.
struct DeviceProfile {
  std::string name = "cpu";
  int64_t max_elements = (int64_t{1} << 31) - 1;  ///< Of a tensor in one operation.
  int64_t max_tensor_bytes = int64_t{1} << 40;
  int64_t max_dimension = (int64_t{1} << 31) - 1;
  bool has_float64 = true;
};

/// The limits of "cpu", "cuda" or "mps". Throws ConfigError for another name.
DeviceProfile device_profile(const std::string& name);

struct DeviceChoice {
  c10::Device device = c10::Device(c10::kCPU);
  DeviceProfile profile;
  std::string reason;        ///< One sentence for the log.
  bool is_fallback = false;  ///< A GPU is there that could not be used: say it loudly.
  int64_t memory_bytes = 0;  ///< Of a GPU with memory of its own, else 0.
};

/// Resolves the setting `device` (auto, cpu, mps, cuda, cuda:N); auto takes CUDA, then MPS, then
/// CPU; where float64 is needed it passes over MPS, which has none. `profile` (may be empty) plans
/// and runs under another backend's limits. Throws ConfigError when the device asked for is not
/// usable, with what to do.
DeviceChoice choose_device(const std::string& setting, const std::string& profile,
                           bool needs_float64 = false);

/// One GPU.
struct GpuState {
  std::string detail;   ///< Its name and version.
  std::string problem;  ///< Why it cannot be used; empty: it can.
  int64_t memory_bytes = 0;
};

/// One backend as this process sees it.
struct BackendState {
  std::string name;  ///< "cuda" or "mps"
  bool has_hardware = false;
  bool usable = false;                 ///< Its first device can be used.
  std::string detail;                  ///< Of its first device; or what is missing and what to do.
  std::vector<GpuState> devices = {};  ///< Of CUDA, by number.
};

/// Looks for a CUDA driver, LibTorch's CUDA libraries (loaded on first use) and a device.
BackendState probe_cuda();
BackendState probe_mps();

/// The LibTorch version of the headers.
std::string torch_version();

}  // namespace untiled
