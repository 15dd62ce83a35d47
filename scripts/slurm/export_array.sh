#!/usr/bin/env bash
# Exports many slides as an array of jobs, each with a part of them; no MPI:
#   sbatch --array=1-16 scripts/slurm/export_array.sh --checkpoint best.safetensors --out masks slides
# Jobs that were lost are done again by the same command: what is finished is kept.
#SBATCH --job-name=untiled-export
#SBATCH --array=1-8
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=2G
#SBATCH --time=04:00:00
set -euo pipefail
: "${1:?usage: sbatch --array=1-N $0 OPTIONS OF untiled export}"
untiled="${UNTILED:-untiled}"

part=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))
exec "$untiled" export --shard "$part/$SLURM_ARRAY_TASK_COUNT" "$@"
