#include "lib/device/device.h"

#include <fmt/format.h>
#include <torch/version.h>

#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {
namespace {

DeviceChoice on(c10::Device device, const std::string& profile, std::string reason) {
  return {.device = device, .profile = device_profile(profile), .reason = std::move(reason)};
}

/// Device `index` of a backend that is usable.
DeviceChoice on_cuda(const BackendState& cuda, size_t index, const std::string& setting) {
  const GpuState& gpu = cuda.devices[index];
  DeviceChoice choice = on({c10::kCUDA, static_cast<c10::DeviceIndex>(index)}, "cuda",
                           fmt::format("device {}: cuda:{}, {}", setting, index, gpu.detail));
  choice.memory_bytes = gpu.memory_bytes;
  return choice;
}

DeviceChoice choose_auto(bool needs_float64) {
  const BackendState cuda = probe_cuda();
  if (cuda.usable) return on_cuda(cuda, 0, "auto");
  const BackendState mps = probe_mps();
  if (mps.usable && needs_float64) {
    return on(c10::kCPU, "cpu", "device auto: cpu, because mps has no float64");
  }
  if (mps.usable) return on({c10::kMPS, 0}, "mps", "device auto: mps, " + mps.detail);
  DeviceChoice choice = on(c10::kCPU, "cpu", "device auto: cpu, no GPU was found");
  for (const BackendState& backend : {cuda, mps}) {
    if (!backend.has_hardware) continue;
    choice.is_fallback = true;
    choice.reason = fmt::format("device auto: running on the CPU although a {} GPU is there: {}",
                                backend.name, backend.detail);
  }
  return choice;
}

int parse_index(const std::string& setting) {
  const auto index = parse_number<int>(setting.substr(std::string_view("cuda:").size()));
  if (index && *index >= 0) return *index;
  throw ConfigError(fmt::format("device {}: expected cuda:N with N from 0", setting));
}

DeviceChoice choose_cuda(const std::string& setting) {
  const auto index = static_cast<size_t>(setting == "cuda" ? 0 : parse_index(setting));
  const BackendState cuda = probe_cuda();
  if (cuda.devices.empty()) throw ConfigError(fmt::format("device {}: {}", setting, cuda.detail));
  if (index >= cuda.devices.size()) {
    throw ConfigError(fmt::format("device {}: this machine has {} CUDA device(s), numbered from 0",
                                  setting, cuda.devices.size()));
  }
  const GpuState& gpu = cuda.devices[index];
  if (!gpu.problem.empty()) {
    throw ConfigError(fmt::format("device {}: {}{}", setting, gpu.detail, gpu.problem));
  }
  return on_cuda(cuda, index, setting);
}

DeviceChoice choose(const std::string& setting, bool needs_float64) {
  if (setting == "auto") return choose_auto(needs_float64);
  if (setting == "cpu") return on(c10::kCPU, "cpu", "device cpu: as the settings say");
  if (setting == "mps") {
    const BackendState mps = probe_mps();
    if (!mps.usable) throw ConfigError("device mps: " + mps.detail);
    return on({c10::kMPS, 0}, "mps", "device mps: " + mps.detail);
  }
  if (setting == "cuda" || setting.starts_with("cuda:")) return choose_cuda(setting);
  throw ConfigError(fmt::format("device {}: expected auto, cpu, mps, cuda or cuda:N", setting));
}

}  // namespace

DeviceProfile device_profile(const std::string& name) {
  if (name == "cpu" || name == "cuda") return {.name = name};
  if (name == "mps") {
    return {.name = name,
            .max_tensor_bytes = (int64_t{1} << 30) - 1,
            .max_dimension = 65536,
            .has_float64 = false};
  }
  throw ConfigError(fmt::format("profile {}: expected cpu, cuda or mps", name));
}

DeviceChoice choose_device(const std::string& setting, const std::string& profile,
                           bool needs_float64) {
  DeviceChoice choice = choose(setting, needs_float64);
  if (!profile.empty()) choice.profile = device_profile(profile);
  return choice;
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace untiled
