// --ranks: several ranks as threads, or as processes of MPI.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/ranks/group.h"

namespace CLI {
class App;
}  // namespace CLI

namespace untiled {

struct Settings;

/// What `--ranks` says: nothing, "4" or "threads:4".
using RanksOption = std::shared_ptr<std::string>;

/// Adds --ranks.
RanksOption add_ranks_option(CLI::App& verb);

/// How many ranks that is; 1 where it says nothing. Throws ConfigError.
int count_of(const RanksOption& option);
/// Whether it asks for threads of this process. Throws ConfigError.
bool are_threads(const RanksOption& option);

/// The command line that --ranks N starts again under mpirun. To be called by main.
void remember_command_line(int argc, char** argv);

/// Runs `body` on every rank and returns what it returned on rank 0. The ranks are those that a
/// launcher started; else as many threads or, through mpirun, processes as `option` says; else one.
/// `body` prints on rank 0 alone. A failure of any rank ends all of them: as threads it is thrown,
/// as processes it is printed once and all end with its exit code.
int run_ranks(const RanksOption& option, const std::function<int(Group&)>& body);

/// Refuses a launch as several ranks, for verbs that have no use for them. Throws ConfigError.
void require_one_rank(const std::string& verb);

/// Divides this machine's cores by the ranks on it where `threads` does not say how many to use.
void share_cores(Settings& settings, const Group& ranks);

}  // namespace untiled
