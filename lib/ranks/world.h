// The ranks of a program that a launcher started as several processes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/ranks/group.h"

namespace untiled {

/// What the launcher's environment variables say of this process.
struct Launch {
  int size = 1;  ///< Processes; 1: nobody launched several.
  int rank = 0;
  int local_size = 1;    ///< Of them on this machine.
  std::string launcher;  ///< The variable that said so: "OMPI_COMM_WORLD_SIZE=4".
};

/// Open MPI's, PMIx's, MPICH's (PMI) or, in a step of a Slurm job, Slurm's variables.
Launch read_launch();

/// All processes as a group. A thread of its own hears of other ranks' failures, also while this
/// one computes, and of their silence: a process that was stopped or a link that is down.
class World : public Group {
 public:
  /// "Open MPI v4.1.4 ..."
  virtual std::string library() const = 0;
  /// The end of a run without failures; a collective call, and the last one.
  virtual void finish() = 0;
  /// The end of a run that was asked to stop, with that exit code: waits some seconds for all ranks
  /// to come here, so that no launcher ends those that still save.
  [[noreturn]] virtual void leave(int code) = 0;
  /// Ends all processes at once with this exit code (1 to 255).
  [[noreturn]] virtual void abort(int code) = 0;
};

/// The end of a run that failed, with an exit code (1 to 255); does not return. Rank 0 ends all
/// processes at once, others give it some seconds to save what it has and to say why. Where the run
/// was asked to stop, all leave together; where a launcher ends this process for another's failure,
/// it ends alone.
void end_all(World& world, int code);

/// Where the library that knows MPI lies, beside the program; empty where it was not built.
std::string find_mpi_library();

/// "Open MPI v4.1.4": of the library that find_mpi_library names. Throws ConfigError where it
/// cannot be opened.
std::string mpi_version();

/// Names of the program that starts ranks of that MPI, the first that is there: Debian has both
/// MPIs beside each other, and mpirun is one of them. Throws as mpi_version does.
std::vector<std::string> mpi_launchers();

/// Opens MPI, which nothing is linked with, through a library of its own. Throws ConfigError where
/// there is none, or where its world has another size than the launcher says: built for another MPI
/// than the one that launched.
std::unique_ptr<World> open_world(const Launch& launch);

}  // namespace untiled
