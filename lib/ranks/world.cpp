#include "lib/ranks/world.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>

#include "lib/core/error.h"
#include "lib/core/failure.h"
#include "lib/core/opened_library.h"
#include "lib/core/program_module.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits = text;
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

OpenedLibrary open_library() {
  return {"MPI", "install it again (Debian: libopenmpi3), or use --ranks threads:N",
          find_mpi_library(), OpenedLibrary::Names::kGlobal};
}

}  // namespace

Launch read_launch() {
  struct Variables {
    const char* size;
    const char* rank;
    const char* local_size;
  };
  // Those of Slurm only in a step: a job's script has them too, and runs once.
  const bool in_step = std::getenv("SLURM_STEP_ID") != nullptr;
  const Variables known[] = {
      {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
      {"PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"},
      {"SLURM_STEP_NUM_TASKS", in_step ? "SLURM_PROCID" : "", "SLURM_STEP_TASKS_PER_NODE"},
  };
  for (const Variables& v : known) {
    const int size = number_in(v.size).value_or(1);
    const auto rank = number_in(v.rank);
    if (size < 2 || !rank) continue;
    return {.size = size,
            .rank = *rank,
            .local_size = number_in(v.local_size).value_or(1),
            .launcher = fmt::format("{}={}", v.size, size)};
  }
  return {};
}

std::string find_mpi_library() { return find_program_module("untiled_mpi"); }

std::string mpi_version() {
  return open_library().function<const char*()>("untiled_mpi_version")();
}

std::vector<std::string> mpi_launchers() {
  if (mpi_version().starts_with("MPICH")) return {"mpirun.mpich", "mpirun"};
  return {"mpirun"};
}

std::unique_ptr<World> open_world(const Launch& launch) {
  if (find_mpi_library().empty()) {
    throw ConfigError(fmt::format(
        "{}: this program was built without MPI; install libopenmpi-dev and build it again, or "
        "use --ranks threads:{}",
        launch.launcher, launch.size));
  }
  using Open = World*(int (*)());
  std::unique_ptr<World> world(open_library().function<Open>("untiled_open_mpi")(stop_signal));
  if (world->size() == launch.size) return world;
  throw ConfigError(fmt::format(
      "{}, but {} finds {} rank(s): the program was launched by another MPI than it was built "
      "with; use that one's mpirun, or in Slurm srun --mpi=pmix or mpirun inside the allocation",
      launch.launcher, world->library(), world->size()));
}

void end_all(World& world, int code) {
  constexpr std::chrono::seconds kGrace{10};
  constexpr std::chrono::milliseconds kLook{10};
  constexpr std::chrono::milliseconds kTelling{1500};  // Others listen once a second.
  std::fflush(stdout);
  if (code > kSignalCodeBase) world.leave(code);
  if (world.rank() == 0) std::this_thread::sleep_for(kTelling);
  const auto end = std::chrono::steady_clock::now() + kGrace;
  while (world.rank() != 0 && stop_signal() == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLook);
  }
  if (stop_signal() != 0) std::_Exit(code);
  world.abort(code);
}

}  // namespace untiled
