#!/usr/bin/env bash
# Installs what is missing, builds, checks the style and runs every test; what reads foreign bytes also
# under the address sanitizer, what has threads under the thread sanitizer. The last lines are ctest's
# summary.
#
#   scripts/test.sh           all of it
#   scripts/test.sh --quick   no style, sanitizers or slow tests
#
# UNTILED_TIDY_SECONDS (default 150) bounds clang-tidy, which remembers the files that passed and goes
# on with the others next time; 0 means no bound. UNTILED_PORTABLE_SECONDS does the same for the reading
# with a Mac's compiler. The short demo is also built and run on a bare Debian, made in a folder where root
# and debootstrap are at hand: UNTILED_FRESH says which, bookworm (the default), trixie or none.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sources() { find app benchmarks examples lib models data tests -name '*.cpp' -o -name '*.h' | sort; }

# The style is clang 14's; other versions lay out and find other things.
has_style_tool() {
  has "$1" && "$1" --version | grep -q 'version 14\.' && return
  say "skipping $1: version 14 (Debian 12's) is needed"
  return 1
}

check_format() {
  has_style_tool clang-format || return 0
  say "checking the formatting"
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
  sources | grep '\.cpp$' | while read -r source; do
    if grep -q "/$source\"" build/release/compile_commands.json; then
      if grep -qE '<(torch|ATen|c10)/' "$source"; then echo "2 $source"; else echo "1 $source"; fi
    fi
  done | sort -s -k 1,1 | cut -d ' ' -f 2
}

run_tidy() {
  local seconds="${UNTILED_TIDY_SECONDS:-150}"
  has_style_tool clang-tidy || return 0
  say "running clang-tidy"
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

# Runs a check that ends with 77 and a reason where this machine cannot make it.
run_if_possible() {
  local status=0
  "$@" || status=$?
  ((status == 0 || status == 77)) || fail "$1 failed"
}

# The program is built and run on a machine that has never seen it.
run_fresh() {
  local suite="${UNTILED_FRESH:-bookworm}"
  local results="build/fresh/ccache-$suite"
  if [[ "$suite" == none ]]; then
    say "no fresh machine: UNTILED_FRESH is none"
    return
  fi
  # What this machine's compiler, which is bookworm's, has just made serves there too: ccache takes
  # a result only where it finds each header that the result was made of.
  if [[ "$suite" == bookworm ]] && has ccache; then results="$(ccache --get-config cache_dir)"; fi
  say "running the short demo on a fresh machine"
  run_if_possible scripts/test_fresh.sh --ccache "$results" \
    --packages "build/fresh/packages-$suite" "$suite" "./scripts/demo.sh --short"
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
  UNTILED_STRESS_SECONDS=20 \
  ASAN_OPTIONS="detect_stack_use_after_return=1:allocator_may_return_null=1" \
    LSAN_OPTIONS="suppressions=$root/cmake/lsan.supp:print_suppressions=0" \
    TSAN_OPTIONS="suppressions=$root/cmake/tsan.supp:halt_on_error=1:print_suppressions=0" \
    steady ctest --test-dir "build/$preset" --output-on-failure --parallel "$(cores)"
}

quick=""
case "${1:-}" in
  "") ;;
  --quick) quick=yes ;;
  *) fail "unknown option $1; there is --quick" ;;
esac

scripts/setup.sh
scripts/build.sh --tests
if [[ -n "$quick" ]]; then
  say "running the tests"
  exec ctest --test-dir build/release --output-on-failure --parallel "$(cores)" --label-exclude slow
fi
check_format
run_tidy
run_if_possible scripts/check_portable.sh
run_fresh
run_sanitizer asan
run_sanitizer tsan
say "running the tests"
UNTILED_STRESS_SECONDS="${UNTILED_STRESS_SECONDS:-60}" \
  ctest --test-dir build/release --output-on-failure --parallel "$(cores)"
