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

nlohmann::ordered_json describe_host() {
  return {{"processor", processor_name()},
          {"usable_cores", usable_cores()},
          {"host_cores", std::max(1U, std::thread::hardware_concurrency())},
          {"memory_bytes", usable_memory_bytes()},
          {"system", system_name()}};
}

nlohmann::ordered_json describe_build() {
  return {{"untiled", UNTILED_VERSION}, {"git", kGitState}, {"compiler", __VERSION__}};
}

}  // namespace untiled
