#include "app/bench/machine.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "lib/core/mapped_memory.h"
#include "lib/core/parallel.h"
#include "lib/core/resources.h"
#include "lib/core/stopwatch.h"
#include "lib/device/device.h"
#include "lib/kernels/fused/row_kernels.h"

namespace untiled {

using Json = nlohmann::ordered_json;

std::string machine_name(const std::string& device) {
  const BackendState cuda = probe_cuda();
  if (cuda.usable && (device == "auto" || device.starts_with("cuda"))) return cuda.detail;
  return host_name_for_people();
}

MachineFacts describe_machine() {
  MachineFacts machine{describe_host(), fused::available_simd(), {}};
  for (const BackendState& backend : {probe_cuda(), probe_mps()}) {
    if (backend.usable) machine.gpus.push_back(backend.detail);
  }
  return machine;
}

Json to_json(const MachineFacts& machine) {
  Json json = to_json(machine.host);
  json["simd"] = machine.simd;
  json["gpus"] = machine.gpus;
  return json;
}

VersionFacts describe_versions() { return {describe_build(), torch_version()}; }

Json to_json(const VersionFacts& versions) {
  Json json = to_json(versions.build);
  json["libtorch"] = versions.libtorch;
  return json;
}

double measure_new_memory() {
  constexpr int64_t kBytes = int64_t{1} << 30;
  constexpr int64_t kPart = 8 << 20;
  const auto threads = usable_cores();
  MappedMemory memory(kBytes);
  const Stopwatch watch;
  parallel_for(kBytes / kPart, threads, [&](size_t part) {
    std::memset(memory.data() + static_cast<int64_t>(part) * kPart, 1, kPart);
  });
  return watch.seconds();
}

}  // namespace untiled
