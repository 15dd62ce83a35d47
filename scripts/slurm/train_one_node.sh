#!/usr/bin/env bash
# Trains on one node, each slide spread over the job's tasks:
#   sbatch scripts/slurm/train_one_node.sh CONFIG [more of `untiled train`]
#SBATCH --job-name=untiled
#SBATCH --nodes=1
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=2G
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail
: "${1:?usage: sbatch $0 CONFIG [options of untiled train]}"
untiled="${UNTILED:-untiled}"

# Two minutes before the time is up Slurm sends TERM to mpirun, which takes this shell's place (without
# B: only steps of srun would get it): rank 0 saves, then all end, and the job can be started again with
# --resume.
# Open MPI 4 waits so many seconds before it passes TERM on, and again before KILL.
export OMPI_MCA_odls_base_sigkill_timeout="${OMPI_MCA_odls_base_sigkill_timeout:-30}"
export PRTE_MCA_odls_base_sigkill_timeout="$OMPI_MCA_odls_base_sigkill_timeout"  # Open MPI 5's name
exec mpirun -n "$SLURM_NTASKS" --map-by "slot:PE=$SLURM_CPUS_PER_TASK" --bind-to core \
  "$untiled" train "$@" --set "threads=$SLURM_CPUS_PER_TASK"
