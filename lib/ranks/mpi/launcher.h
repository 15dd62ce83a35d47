// The process that started this rank: mpirun on its own host, its daemon on others.
#pragma once

#include <chrono>

namespace untiled {

/// Has a process of its own end the launcher if that is still there after `grace`. For Open MPI 4
/// waits for its daemons before it ends, and over a link that went down it waits for ever. What
/// started this rank in another way (Slurm's srun, a shell) is left alone. Where processes cannot
/// be told by name (not Linux) nothing is done.
void end_launcher_after(std::chrono::seconds grace);

/// Longer than a launcher takes that can reach everybody: it gives ranks the time that
/// OMPI_MCA_odls_base_sigkill_timeout says before TERM, and again before KILL.
std::chrono::seconds launcher_grace();

}  // namespace untiled
