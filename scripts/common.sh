# Shared by the scripts beside this file, which source it; changes to the repository's root.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1
export UNTILED_DEPS="${UNTILED_DEPS:-$root/.deps}"
# What one clone has compiled another one need not, wherever it lies.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$root}" CCACHE_NOHASHDIR=1

say() { printf '==> %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

cores() { if has nproc; then nproc; else sysctl -n hw.ncpu; fi; }

# Compilations at a time: one a core, and one a GiB and a half of memory.
jobs_at_once() {
  local by_memory=1000
  if [[ -r /proc/meminfo ]]; then
    by_memory="$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)"
  fi
  local jobs
  jobs="$(cores)"
  if ((by_memory < jobs)); then jobs="$by_memory"; fi
  echo "$((jobs < 1 ? 1 : jobs))"
}

# The hash of what comes in, or of a file.
digest() { if has sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }
sha256() { digest <"$1"; }
