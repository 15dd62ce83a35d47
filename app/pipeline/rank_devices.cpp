#include "app/pipeline/rank_devices.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "lib/core/error.h"

namespace untiled {
namespace {

int64_t machine_number() {
  std::array<char, 256> name = {};
  ::gethostname(name.data(), name.size() - 1);
  return static_cast<int64_t>(std::hash<std::string>()(name.data()));
}

/// How many ranks before this one are on its machine.
int64_t number_here(Group& ranks) {
  std::vector<int64_t> machines(static_cast<size_t>(ranks.size()), 0);
  const auto own = machines.begin() + ranks.rank();
  *own = machine_number();
  const int64_t here = *own;
  ranks.sum(machines);
  return std::count(machines.begin(), own, here);
}

}  // namespace

Settings with_own_device(Settings settings, Group& ranks) {
  if (ranks.size() == 1) return settings;
  const int64_t number = number_here(ranks);
  if (settings.device != "cuda" && settings.device != "auto") return settings;
  const BackendState cuda = probe_cuda();
  if (!cuda.usable) return settings;
  const auto devices = static_cast<int64_t>(cuda.devices.size());
  settings.device = fmt::format("cuda:{}", number % devices);
  return settings;
}

LinkChoice choose_rank_sums(const Settings& settings, const DeviceChoice& device, Group& ranks) {
  if (settings.ranks.device_sums == DeviceSums::kHost)
    return {nullptr, "host: as the settings say"};
  const bool is_cuda = device.device.is_cuda();
  return choose_link(ranks, is_cuda ? std::make_shared<const Gpu>(device.device.index()) : nullptr);
}

std::string expected_rank_sums(const Settings& settings, const DeviceChoice& device, int ranks) {
  if (settings.ranks.device_sums == DeviceSums::kHost) return "host: as the settings say";
  if (!device.device.is_cuda()) return "host: the network runs on " + device.device.str();
  try {
    return fmt::format("{} where each rank has a device of its own, else host; here are {} for {}",
                       open_nccl().name(), probe_cuda().devices.size(), ranks);
  } catch (const ConfigError&) {
    return "host: no NCCL 2.14 or newer is there";
  }
}

}  // namespace untiled
