// What a benchmark's figures belong to.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/tile_bench/host.h"

namespace untiled {

/// The processor, or the GPU that `device` (as the setting) chooses, as its maker calls it.
std::string machine_name(const std::string& device);

struct MachineFacts {
  HostFacts host;
  std::vector<std::string> simd;  ///< Instruction sets of the fused kernels.
  std::vector<std::string> gpus;
};
MachineFacts describe_machine();
nlohmann::ordered_json to_json(const MachineFacts& machine);

/// Of this program and its libraries.
struct VersionFacts {
  BuildFacts build;
  std::string libtorch;
};
VersionFacts describe_versions();
nlohmann::ordered_json to_json(const VersionFacts& versions);

/// Seconds until a gibibyte of new memory has been touched by all cores: a virtual machine's host
/// may take long to hand it out, which the first step with a cache in RAM then waits for.
double measure_new_memory();

}  // namespace untiled
