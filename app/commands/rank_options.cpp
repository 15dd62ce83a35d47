#include "app/commands/rank_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "app/commands/rank_launcher.h"
#include "app/config/settings.h"
#include "lib/core/error.h"
#include "lib/core/platform.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/thread_silence.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/ranks/world.h"

namespace untiled {
namespace {

constexpr std::string_view kThreads = "threads:";
constexpr int kMostRanks = 4096;

struct Wish {
  int count = 1;
  bool as_threads = false;
};

Wish parse(const std::string& option) {
  if (option.empty()) return {};
  const bool as_threads = option.starts_with(kThreads);
  const std::string_view digits = std::string_view(option).substr(as_threads ? kThreads.size() : 0);
  int count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (is_number && count >= 1 && count <= kMostRanks) return {count, as_threads};
  throw ConfigError(
      fmt::format("--ranks {}: expected a number of processes such as 4, or threads:4", option));
}

std::vector<std::string>& command_line() {
  static std::vector<std::string> line;
  return line;
}

/// Without --ranks: the processes are told by the launcher.
std::vector<std::string> rank_command() {
  std::vector<std::string> kept;
  const std::vector<std::string>& line = command_line();
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == "--ranks") {
      ++i;
    } else if (!line[i].starts_with("--ranks=")) {
      kept.push_back(line[i]);
    }
  }
  return kept;
}

/// What the user has not set: ranks may share cores politely, and are given time to save.
void set_launcher_defaults() {
  const auto set = [](const char* name, const char* value) { ::setenv(name, value, 0); };
  set("OMPI_MCA_rmaps_base_oversubscribe", "1");
  set("OMPI_MCA_hwloc_base_binding_policy", "none");
  set("OMPI_MCA_mpi_yield_when_idle", "1");
  set("OMPI_MCA_odls_base_sigkill_timeout", "4");
  // The same of Open MPI 5.
  set("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe");
  set("PRTE_MCA_hwloc_default_binding_policy", "none");
  set("PRTE_MCA_odls_base_sigkill_timeout", "4");
  if (::geteuid() != 0) return;
  for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                           "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM"}) {
    set(name, "1");
  }
}

/// Open MPI 5 drops what ranks still say when it ends itself.
int signal_for_ranks() { return mpi_version().starts_with("Open MPI") ? SIGUSR2 : SIGTERM; }

int start_mpirun(int count) {
  if (find_mpi_library().empty()) {
    throw ConfigError(fmt::format(
        "--ranks {}: this program was built without MPI; use --ranks threads:{}, or install "
        "libopenmpi-dev and build it again",
        count, count));
  }
  set_launcher_defaults();
  std::string problem;
  for (const std::string& launcher : mpi_launchers()) {
    std::vector<std::string> words = {launcher, "-n", std::to_string(count)};
    for (std::string& word : rank_command()) words.push_back(std::move(word));
    const LauncherEnd end = run_launcher(words, signal_for_ranks());
    if (end.start_error == 0) return end.code;
    problem = std::strerror(end.start_error);
  }
  throw ConfigError(
      fmt::format("--ranks {}: mpirun of {} cannot be started: {}; install it (Debian: openmpi-bin "
                  "or mpich), or use --ranks threads:{}",
                  count, mpi_version(), problem, count));
}

/// Of all ranks; there is one.
Failure first_failure(const Group& ranks) {
  try {
    ranks.throw_if_failed();
  } catch (...) {
    return failure_of(std::current_exception());
  }
  throw InternalError("a failure that nobody has");
}

int run_world(const Launch& launch, const std::function<int(Group&)>& body) {
  if (launch.rank != 0) silence_thread();
  std::unique_ptr<World> world;
  try {
    world = open_world(launch);
  } catch (const ConfigError&) {
    if (launch.rank == 0) throw;
    return kConfigErrorCode;  // Rank 0 says why.
  }
  int code = 0;
  try {
    code = body(*world);
    world->finish();
  } catch (...) {
    world->fail(failure_of(std::current_exception()));
    const Failure first = first_failure(*world);
    if (world->rank() == 0) print_error(first.sentence);
    end_all(*world, first.code);
  }
  return code;
}

int run_threads(int count, const std::function<int(Group&)>& body) {
  int code = 0;
  run_thread_ranks(count, [&](Group& ranks) {
    if (ranks.rank() != 0) silence_thread();
    const int own = body(ranks);
    if (ranks.rank() == 0) code = own;
  });
  return code;
}

}  // namespace

RanksOption add_ranks_option(CLI::App& verb) {
  auto option = std::make_shared<std::string>();
  verb.add_option("--ranks", *option,
                  "Spread each slide over N processes, started with mpirun, or N threads; results "
                  "are the same, bit for bit")
      ->type_name("N or threads:N");
  return option;
}

int count_of(const RanksOption& option) { return parse(*option).count; }

bool are_threads(const RanksOption& option) { return parse(*option).as_threads; }

void remember_command_line(int argc, char** argv) { command_line().assign(argv, argv + argc); }

int run_ranks(const RanksOption& option, const std::function<int(Group&)>& body) {
  const Wish wish = parse(*option);
  const Launch launch = read_launch();
  if (launch.size > 1) {
    const bool agrees = option->empty() || (!wish.as_threads && wish.count == launch.size);
    if (agrees) return run_world(launch, body);
    throw ConfigError(fmt::format("--ranks {}: but {} processes were launched ({}); leave it out",
                                  *option, launch.size, launch.launcher));
  }
  if (wish.as_threads) return run_threads(wish.count, body);
  if (wish.count > 1) return start_mpirun(wish.count);
  Alone alone;
  return body(alone);
}

void require_one_rank(const std::string& verb) {
  const Launch launch = read_launch();
  if (launch.size == 1) return;
  throw ConfigError(fmt::format(
      "{} was launched as {} ranks ({}), which would all do the same: start it once; for many "
      "slides at a time label takes --shard i/N",
      verb, launch.size, launch.launcher));
}

void share_cores(Settings& settings, const Group& ranks) {
  if (settings.threads > 0 || ranks.size() == 1) return;
  const Launch launch = read_launch();
  const int here = launch.size > 1 ? launch.local_size : ranks.size();
  // A rank that its launcher has bound to some cores has them for itself.
  const bool is_bound = launch.size > 1 && schedulable_cores() < ::sysconf(_SC_NPROCESSORS_ONLN);
  const int cores = is_bound ? usable_cores() : usable_cores() / here;
  settings.threads = std::max(1, cores);
}

}  // namespace untiled
