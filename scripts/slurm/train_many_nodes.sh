#!/usr/bin/env bash
# Trains on several nodes that see the same files, one rank a node and as many threads as it has cores:
#   sbatch --nodes=8 scripts/slurm/train_many_nodes.sh CONFIG [more of `untiled train`]
# mpirun starts the ranks inside the allocation. Where Slurm was built with PMIx and MPI knows it,
# LAUNCH='srun --mpi=pmix' does the same; elsewhere srun starts ranks that do not find each other,
# which the program refuses.
#SBATCH --job-name=untiled
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail
: "${1:?usage: sbatch --nodes=N $0 CONFIG [options of untiled train]}"
untiled="${UNTILED:-untiled}"
launch="${LAUNCH:-mpirun -n $SLURM_NNODES --map-by ppr:1:node --bind-to none}"

# Open MPI 4 waits so many seconds before it passes TERM on, and again before KILL.
export OMPI_MCA_odls_base_sigkill_timeout="${OMPI_MCA_odls_base_sigkill_timeout:-30}"
export PRTE_MCA_odls_base_sigkill_timeout="$OMPI_MCA_odls_base_sigkill_timeout"  # Open MPI 5's name
# shellcheck disable=SC2086  # The launcher is several words.
exec $launch "$untiled" train "$@"
