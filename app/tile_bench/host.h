// What a benchmark's figures belong to, as far as it is the same for every verb.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace untiled {

/// The processor as its maker calls it, and the cores that may be used.
std::string host_name_for_people();

struct HostFacts {
  std::string processor;
  int usable_cores = 1;
  unsigned host_cores = 1;
  int64_t memory_bytes = 0;
  std::string system;
};
HostFacts describe_host();
nlohmann::ordered_json to_json(const HostFacts& host);

/// Of this program: its version, its source and its compiler.
struct BuildFacts {
  std::string untiled;
  std::string git;
  std::string compiler;
};
BuildFacts describe_build();
nlohmann::ordered_json to_json(const BuildFacts& build);

}  // namespace untiled
