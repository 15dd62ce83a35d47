#!/usr/bin/env bash
# Builds the fused kernels and their tests for 64-bit Arm, whose vectors are NEON's, and runs them under
# QEMU: on Debian with g++-aarch64-linux-gnu and qemu-user. Exits with 77 where these are missing.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=build/neon
highway="$UNTILED_DEPS/highway-arm64"
compiler=aarch64-linux-gnu-g++

skip() {
  echo "SKIPPED: $*"
  exit 77
}

# Debian's Highway for Arm, beside the one that is installed: unpacked, for both cannot be installed.
fetch_highway() {
  if [[ -d "$highway/usr" ]]; then return; fi
  local lists="$out/apt"
  mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$lists/packages"
  local -a apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
    -o "Dir::State=$PWD/$lists" -o "Dir::Cache=$PWD/$lists/cache" -o Dir::State::status=/dev/null
    -o APT::Sandbox::User=root)
  "${apt[@]}" update >/dev/null 2>&1 || skip "the lists of Debian's packages for arm64 are out of reach"
  (cd "$lists/packages" && "${apt[@]}" download libhwy-dev libhwy1) >/dev/null 2>&1 ||
    skip "libhwy for arm64 cannot be fetched"
  local package
  for package in "$lists"/packages/*.deb; do dpkg -x "$package" "$highway.part"; done
  mv "$highway.part" "$highway"
  rm -rf "$lists"
}

has "$compiler" || skip "no $compiler"
has qemu-aarch64 || skip "no qemu-aarch64 (Debian: qemu-user)"
mkdir -p "$out"
fetch_highway
mkdir -p "$out/include" && ln -sfn "$UNTILED_DEPS/torch/include/fmt" "$out/include/fmt"
mkdir -p "$out/include/catch2" && ln -sf /usr/include/catch2/*.hpp "$out/include/catch2/"
library="$highway/usr/lib/aarch64-linux-gnu"
flags=(-std=c++20 -O2 -march=armv8-a+crypto -Wall -Wextra -Wno-missing-field-initializers -Wno-maybe-uninitialized
  -DFMT_HEADER_ONLY -I. -isystem "$highway/usr/include" -isystem "$out/include")
sources=(lib/kernels/fused/*.cpp lib/core/random.cpp lib/core/region.cpp
  tests/kernels/fused/blocks_test.cpp tests/test_main.cpp)
objects=()
for source in "${sources[@]}"; do objects+=("$out/$(tr / _ <<<"${source%.cpp}").o"); done
if has ccache; then export CCACHE_LAUNCHER=ccache; fi
export compiler
printf '%s\n' "${sources[@]}" | xargs -P "$(cores)" -I {} bash -c '
  source="$1"; shift; out="$1"; shift
  ${CCACHE_LAUNCHER:-} "$compiler" "$@" -c "$source" -o "$out/$(tr / _ <<<"${source%.cpp}").o"' _ {} "$out" "${flags[@]}"
"$compiler" "${objects[@]}" -L"$library" -lhwy -o "$out/test_fused"
qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$library" \
  "$out/test_fused" "$@"
