// What a benchmark's figures belong to, as far as it is the same for every verb.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace untiled {

/// The processor as its maker calls it, and the cores that may be used.
std::string host_name_for_people();

/// Processor, cores, memory and system.
nlohmann::ordered_json describe_host();

/// Of this program, its source and its compiler.
nlohmann::ordered_json describe_build();

}  // namespace untiled
