#!/usr/bin/env bash
# Builds a release into build/release; the executable is build/release/bin/untiled. Builds only what
# changed.
#
#   scripts/build.sh           the program
#   scripts/build.sh --tests   also the tests
#
# Other words go to cmake's configuration: scripts/build.sh -DUNTILED_WERROR=OFF
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -f "$UNTILED_DEPS/.libraries" ]] || fail "LibTorch is not in $UNTILED_DEPS; run scripts/setup.sh first"

target=untiled
if [[ "${1:-}" == --tests ]]; then
  target=all
  shift
fi
flags=("-DUNTILED_DEPS=$UNTILED_DEPS")
if has ccache; then flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
# Warnings are errors with the compiler that CI has; others may know new ones.
if [[ "$(c++ -dumpversion)" == 12* ]] && c++ --version | grep -qi 'free software'; then
  flags+=(-DUNTILED_WERROR=ON)
fi
if [[ "$(uname -s)" == Darwin ]]; then
  flags+=("-DCMAKE_PREFIX_PATH=$(brew --prefix);$(brew --prefix jpeg-turbo)")
fi

say "building build/release"
cmake --preset release --log-level=WARNING "${flags[@]}" "$@" >/dev/null
cmake --build --preset release --target "$target" --parallel "$(jobs_at_once)"
