#!/usr/bin/env bash
# Fuzzes the readers of foreign bytes: fuzz.sh [SECONDS a target] [TARGET...]. Builds them with a Clang
# that has libFuzzer (the preset "fuzz"; CXX names another), makes the corpus, and keeps what was
# found interesting in build/fuzz/corpus for the next time. An input that breaks a reader stays in
# build/fuzz as crash-*, oom-* or timeout-*.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The first compiler that links libFuzzer: Debian has the runtime of each Clang in a package apart.
fuzzing_compiler() {
  local compiler
  for compiler in ${CXX:+"$CXX"} clang++ clang++-{21,20,19,18,17,16,15,14}; do
    if has "$compiler" && echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
      "$compiler" -x c++ -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null; then
      echo "$compiler"
      return
    fi
  done
  fail "no clang++ with libFuzzer is here; on Debian: apt install clang libclang-rt-14-dev"
}

seconds="${1:-3600}"
shift || true
compiler="$(fuzzing_compiler)"
flags=("-DUNTILED_DEPS=$UNTILED_DEPS" "-DCMAKE_CXX_COMPILER=$compiler")
if has ccache; then flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset fuzz --log-level=WARNING "${flags[@]}" >/dev/null
cmake --build --preset fuzz --target fuzz --parallel "$(jobs_at_once)"
cd build/fuzz
"$UNTILED_DEPS/oracle/bin/python" ../../tests/fuzz/make_corpus.py corpus
mapfile -t targets < <(ls corpus)
if (($# == 0)); then set -- "${targets[@]}"; fi
for target in "$@"; do
  [[ -x "bin/fuzz_$target" ]] || fail "there is no target $target; there are: ${targets[*]}"
  say "$target, $seconds s"
  "bin/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 "corpus/$target"
done
