#include "app/tile_bench/host.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/tile_bench/git_state.h"
#include "lib/core/platform.h"
#include "lib/core/resources.h"

namespace untiled {
namespace {

std::string system_name() {
  struct utsname names {};
  if (uname(&names) != 0) return "unknown";
  return fmt::format("{} {} {}", names.sysname, names.release, names.machine);
}

}  // namespace

std::string host_name_for_people() {
  return fmt::format("{}, {} cores", processor_name(), usable_cores());
}

HostFacts describe_host() {
  return {processor_name(), usable_cores(), std::max(1U, std::thread::hardware_concurrency()),
          usable_memory_bytes(), system_name()};
}

nlohmann::ordered_json to_json(const HostFacts& host) {
  return {{"processor", host.processor},
          {"usable_cores", host.usable_cores},
          {"host_cores", host.host_cores},
          {"memory_bytes", host.memory_bytes},
          {"system", host.system}};
}

BuildFacts describe_build() { return {UNTILED_VERSION, kGitState, __VERSION__}; }

nlohmann::ordered_json to_json(const BuildFacts& build) {
  return {{"untiled", build.untiled}, {"git", build.git}, {"compiler", build.compiler}};
}

}  // namespace untiled
