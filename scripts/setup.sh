#!/usr/bin/env bash
# Installs what a build needs and is missing: packages of the system (apt or Homebrew), and into
# .deps (or UNTILED_DEPS) LibTorch, OpenSlide and a Python environment whose readers check our files.
# Can be run again at any time; needs no root when the packages are there.
#
#   scripts/setup.sh              for a CPU or a Mac
#   scripts/setup.sh --cuda       also the libraries that an NVIDIA GPU needs; the driver must be there
#   scripts/setup.sh --program    only what building the program takes, nothing for the checks
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

apt_packages=(
  g++ cmake ninja-build ca-certificates
  catch2 libcli11-dev nlohmann-json3-dev libyaml-cpp-dev
  libopencv-dev libopenslide-dev libtiff-dev libpng-dev libjpeg-dev libopenjp2-7-dev
  zlib1g-dev libzstd-dev libblosc-dev libxxhash-dev libhwy-dev libgeos-dev libfast-float-dev
)
# Faster kernels, faster builds and processes as ranks (docs/ranks.md); nothing needs them.
apt_extras=(clang ccache openmpi-bin libopenmpi-dev)
# The checks of the style, the browser of the reports' checks, single kernels' benchmarks, the tests of
# NEON, a Mac's compiler and library (a version that Debian 12 and 13 have), a fresh machine in a
# folder; nothing else needs them.
apt_checks=(clang-format clang-tidy chromium libbenchmark-dev g++-aarch64-linux-gnu qemu-user
  clang-19 libc++-19-dev libc++abi-19-dev debootstrap iproute2)
# The test of the job scripts starts Slurm's daemons itself; where systemd runs, installing them would
# start them for good, which is left to whoever wants that.
apt_daemons=(slurmctld slurmd slurm-client munge)
brew_packages=(
  cmake ninja ccache clang-format llvm catch2 cli11 nlohmann-json yaml-cpp
  opencv openslide libtiff libpng jpeg-turbo openjpeg zstd c-blosc xxhash highway geos fast_float python
)

can_make_venv() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

# Those of the packages that are not installed.
apt_missing() {
  local package
  for package in "$@"; do
    local status
    status="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
    if [[ "$status" != installed ]]; then echo "$package"; fi
  done
}

apt_install() {
  local -a missing extras as_root=()
  mapfile -t missing < <(apt_missing "${apt_packages[@]}")
  if ! can_make_venv; then missing+=(python3 python3-venv); fi
  mapfile -t extras < <(apt_missing "${apt_extras[@]}")
  if ((${#missing[@]} + ${#extras[@]} == 0)); then return; fi
  local command="apt-get install -y --no-install-recommends ${missing[*]}"
  if ((EUID != 0)); then
    if ! has sudo || ! { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
      if ((${#missing[@]} == 0)); then
        say "not there, and this user cannot install them: ${extras[*]} (only faster
    kernels, some checks, microbenchmarks, faster builds and ranks of MPI need them)"
        return
      fi
      fail "these packages are missing and this user cannot install them; as root, type:
  apt-get update && $command"
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]} ${extras[*]}"
  "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists of before"
  local -a install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends)
  if ((${#missing[@]} > 0)); then
    "${install[@]}" "${missing[@]}" ||
      fail "the packages could not be installed; as root, type: $command"
  fi
  local package
  for package in "${extras[@]}"; do
    "${install[@]}" "$package" || say "$package could not be installed; a build does without"
  done
}

brew_install() {
  has brew || fail "Homebrew is missing; see https://brew.sh, then run this script again"
  local package
  local -a missing=()
  for package in "${brew_packages[@]}"; do
    brew list --formula "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  say "installing ${missing[*]}"
  brew install --quiet "${missing[@]}"
}

check_versions() {
  local oldest=3.25 found
  found="$(cmake --version | awk 'NR == 1 { print $3 }')"
  if [[ "$(printf '%s\n' "$oldest" "$found" | sort -V | head -n 1)" != "$oldest" ]]; then
    fail "cmake $oldest or newer is needed, found $found; Debian 12 and Ubuntu 24.04 have one"
  fi
}

# The tags of the wheels that fit this machine, best first.
platform_flags() {
  local machine tag
  machine="$(uname -m)"
  case "$(uname -s)-$machine" in
    Linux-x86_64 | Linux-aarch64)
      for tag in manylinux_2_28 manylinux_2_27 manylinux_2_26 manylinux_2_25 manylinux_2_17 \
        manylinux2014; do
        printf '%s\n' --platform "${tag}_$machine"
      done
      ;;
    Darwin-arm64) printf '%s\n' --platform macosx_11_0_arm64 --platform macosx_11_0_universal2 ;;
    *) fail "no LibTorch for $(uname -s) on $machine; Linux x86-64 and aarch64 and macOS arm64 have one" ;;
  esac
}

# Whether what the stamp names was made from these words; a stamp is written when it is complete.
is_current() { [[ -f "$1" && "$(cat "$1")" == "$2" ]]; }

# Fetches the wheels that a file of requirements pins, whatever Python is here, and unpacks them.
fetch_wheels() {
  local requirements="$1" stamp="$2" what="$3"
  local wanted
  wanted="$(uname -sm) $(sha256 "$requirements")"
  if is_current "$stamp" "$wanted"; then return; fi
  say "fetching $what into $UNTILED_DEPS"
  local flags
  flags="$(platform_flags)"
  local incoming="$UNTILED_DEPS/.incoming"
  rm -rf "$incoming" "$stamp"
  mkdir -p "$incoming"
  python3 -m venv "$incoming/venv"
  # shellcheck disable=SC2086  # one word a flag is meant
  "$incoming/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --implementation cp --python-version 3.11 $flags \
    --dest "$incoming" --requirement "$requirements" ||
    fail "$what could not be fetched: the network is needed, or a filled folder in UNTILED_DEPS"
  local wheel
  for wheel in "$incoming"/*.whl; do python3 -m zipfile -e "$wheel" "$UNTILED_DEPS"; done
  rm -rf "$incoming"
  echo "$wanted" >"$stamp"
}

# The readers of scripts/requirements-oracle.txt; the tests that need them are skipped without.
make_oracle() {
  local requirements=scripts/requirements-oracle.txt stamp="$UNTILED_DEPS/.oracle"
  local wanted
  wanted="$(python3 -c 'import sys; print(sys.version_info[:2])') $(sha256 "$requirements")"
  if is_current "$stamp" "$wanted"; then return; fi
  if ! python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'; then
    say "Python is not 3.11 to 3.14: the tests that read our files with other libraries are skipped"
    return
  fi
  say "making the Python environment that checks our files"
  rm -rf "$UNTILED_DEPS/oracle" "$stamp"
  python3 -m venv "$UNTILED_DEPS/oracle"
  "$UNTILED_DEPS/oracle/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement "$requirements" || {
    say "its packages could not be fetched: the tests that need them are skipped"
    rm -rf "$UNTILED_DEPS/oracle"
    return
  }
  echo "$wanted" >"$stamp"
}

# zarr-python 2 in a folder of its own, for one test; without it that test leaves it out.
make_zarr2() {
  local requirements=scripts/requirements-zarr2.txt stamp="$UNTILED_DEPS/.zarr2"
  local wanted
  wanted="$(sha256 "$UNTILED_DEPS/.oracle") $(sha256 "$requirements")"
  if [[ ! -d "$UNTILED_DEPS/oracle" ]] || is_current "$stamp" "$wanted"; then return; fi
  rm -rf "$UNTILED_DEPS/zarr2" "$stamp"
  "$UNTILED_DEPS/oracle/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement "$requirements" --target "$UNTILED_DEPS/zarr2" || {
    say "zarr-python 2 could not be fetched: no test reads our OME-Zarr 0.4 with it"
    rm -rf "$UNTILED_DEPS/zarr2"
  }
  echo "$wanted" >"$stamp"
}

case "${1:-}" in
  "" | --cuda)
    apt_extras+=("${apt_checks[@]}")
    if [[ ! -d /run/systemd/system ]]; then apt_extras+=("${apt_daemons[@]}"); fi
    ;;
  --program) ;;
  *) fail "unknown option $1; there are --cuda and --program" ;;
esac
if [[ "$(uname -s)" == Darwin ]]; then
  brew_install
elif has apt-get; then
  apt_install
else
  say "neither apt-get nor Homebrew is here; the build needs what these Debian packages hold:"
  say "${apt_packages[*]}"
fi
for tool in c++ cmake ninja python3; do
  has "$tool" || fail "$tool is missing"
done
can_make_venv || fail "python3 has no venv module; install it (Debian: apt-get install python3-venv)"
check_versions
mkdir -p "$UNTILED_DEPS"
fetch_wheels scripts/requirements-libraries.txt "$UNTILED_DEPS/.libraries" \
  "LibTorch and OpenSlide (about 600 MB)"
if [[ "${1:-}" == --cuda ]]; then
  fetch_wheels scripts/requirements-cuda.txt "$UNTILED_DEPS/.cuda" "CUDA libraries (about 2 GB)"
  fetch_wheels scripts/requirements-gpu.txt "$UNTILED_DEPS/.gpu" "KvikIO and nvImageCodec"
fi
if [[ "${1:-}" != --program ]]; then
  make_oracle
  make_zarr2
fi
say "everything that a build needs is here"
