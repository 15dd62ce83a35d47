// What a benchmark's figures belong to.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace untiled {

/// The processor, or the GPU that `device` (as the setting) chooses, as its maker calls it.
std::string machine_name(const std::string& device);

/// Processor, cores, memory, system, instruction sets and GPUs.
nlohmann::ordered_json describe_machine();

/// Of this program, its source, its compiler and its libraries.
nlohmann::ordered_json describe_versions();

/// Seconds until a gibibyte of new memory has been touched by all cores: a virtual machine's host
/// may take long to hand it out, which the first step with a cache in RAM then waits for.
double measure_new_memory();

}  // namespace untiled
