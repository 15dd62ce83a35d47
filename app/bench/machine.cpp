#include "app/bench/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/bench/git_state.h"
#include "lib/core/mapped_memory.h"
#include "lib/core/parallel.h"
#include "lib/core/platform.h"
#include "lib/core/resources.h"
#include "lib/core/stopwatch.h"
#include "lib/device/device.h"
#include "lib/kernels/fused/row_kernels.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

std::string system_name() {
  struct utsname names {};
  if (uname(&names) != 0) return "unknown";
  return fmt::format("{} {} {}", names.sysname, names.release, names.machine);
}

}  // namespace

std::string machine_name(const std::string& device) {
  const BackendState cuda = probe_cuda();
  if (cuda.usable && (device == "auto" || device.starts_with("cuda"))) return cuda.detail;
  return fmt::format("{}, {} cores", processor_name(), usable_cores());
}

Json describe_machine() {
  Json gpus = Json::array();
  for (const BackendState& backend : {probe_cuda(), probe_mps()}) {
    if (backend.usable) gpus.push_back(backend.detail);
  }
  return {{"processor", processor_name()},
          {"usable_cores", usable_cores()},
          {"host_cores", std::max(1U, std::thread::hardware_concurrency())},
          {"memory_bytes", usable_memory_bytes()},
          {"system", system_name()},
          {"simd", fused::available_simd()},
          {"gpus", gpus}};
}

Json describe_versions() {
  return {{"untiled", UNTILED_VERSION},
          {"git", kGitState},
          {"libtorch", torch_version()},
          {"compiler", __VERSION__}};
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
