#!/usr/bin/env bash
# Installs what is missing, builds and runs every test; the last lines are ctest's summary.
#
#   scripts/test.sh           formatting, clang-tidy over the algorithm's folders, all but slow tests
#   scripts/test.sh --all     clang-tidy over everything, both sanitizers, slow tests too
#   scripts/test.sh --quick   formatting and all but slow tests
#
# UNTILED_TIDY_SECONDS (default 240) bounds clang-tidy; it remembers the files that passed. 0 means no
# bound.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sources() { find app lib models data tests -name '*.cpp' -o -name '*.h' | sort; }

check_format() {
  say "checking the formatting"
  has clang-format || fail "clang-format is missing; run scripts/setup.sh"
  sources | xargs clang-format --dry-run -Werror
}

# clang-tidy over one source; what it passes is remembered under a hash of all that it depends on.
tidy_one() {
  local source="$1" stamp deadline="$TIDY_DEADLINE"
  stamp="build/tidy/$(cat .clang-tidy "$source" "$TIDY_HEADERS" | digest)"
  if [[ -e "$stamp" ]]; then return; fi
  if ((deadline > 0 && $(date +%s) > deadline)); then
    echo "$source" >>build/tidy/unchecked
    return
  fi
  local log
  # The compiler's own warnings are the build's business, and gcc's flags not all clang's.
  if ! log="$(clang-tidy --quiet -p build/release --extra-arg=-w \
    --extra-arg=-Wno-unknown-warning-option "$source" 2>/dev/null)"; then
    printf '%s\n' "$log"
    return 1
  fi
  touch "$stamp"
}

# Sources of the compilation database that are ours; quick ones, without LibTorch, first.
tidy_sources() {
  local source
  sources | grep '\.cpp$' | grep -E "$TIDY_FOLDERS" | while read -r source; do
    if grep -q "/$source\"" build/release/compile_commands.json; then
      if grep -qE '<(torch|ATen|c10)/' "$source"; then echo "2 $source"; else echo "1 $source"; fi
    fi
  done | sort -s -k 1,1 | cut -d ' ' -f 2
}

run_tidy() {
  local seconds="${UNTILED_TIDY_SECONDS:-240}"
  say "running clang-tidy"
  has clang-tidy || fail "clang-tidy is missing; run scripts/setup.sh"
  mkdir -p build/tidy
  rm -f build/tidy/unchecked
  sources | grep '\.h$' | xargs cat >build/tidy/headers
  export TIDY_HEADERS=build/tidy/headers
  export TIDY_DEADLINE=$((seconds > 0 ? $(date +%s) + seconds : 0))
  export -f tidy_one digest has
  tidy_sources | xargs -P "$(cores)" -I {} bash -c 'tidy_one {}' || fail "clang-tidy found faults"
  if [[ -f build/tidy/unchecked ]]; then
    say "$(wc -l <build/tidy/unchecked) files were not reached in $seconds s and are next time's"
  fi
}

# Thread sanitizer needs addresses that are not randomised too widely.
steady() { if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi; }

run_sanitizer() {
  local preset="$1"
  local -a flags=("-DUNTILED_DEPS=$UNTILED_DEPS")
  if has ccache; then flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  say "building and testing build/$preset"
  cmake --preset "$preset" --log-level=WARNING "${flags[@]}" >/dev/null
  steady cmake --build --preset "$preset" --parallel "$(jobs_at_once)"
  ASAN_OPTIONS="detect_stack_use_after_return=1:allocator_may_return_null=1" \
    LSAN_OPTIONS="suppressions=$root/cmake/lsan.supp:print_suppressions=0" \
    TSAN_OPTIONS="suppressions=$root/cmake/tsan.supp:halt_on_error=1:print_suppressions=0" \
    steady ctest --test-dir "build/$preset" --output-on-failure --parallel "$(cores)"
}

mode="${1:-}"
TIDY_FOLDERS='^lib/(core|streaming|kernels)/'
slow=(--label-exclude slow)
if [[ "$mode" == --all ]]; then
  TIDY_FOLDERS='.'
  slow=()
fi

scripts/setup.sh
check_format
scripts/build.sh
if [[ "$mode" != --quick ]]; then run_tidy; fi
if [[ "$mode" == --all ]]; then
  run_sanitizer asan
  run_sanitizer tsan
fi
say "running the tests"
ctest --test-dir build/release --output-on-failure --parallel "$(cores)" "${slow[@]}"
