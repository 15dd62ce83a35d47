#!/usr/bin/env bash
# Fuzzes the readers of foreign bytes: fuzz.sh [SECONDS a target] [TARGET...]. Builds them with Clang
# (the preset "fuzz"), makes the corpus, and keeps what was found interesting in build/fuzz/corpus
# for the next time. An input that breaks a reader stays in build/fuzz as crash-*, oom-* or timeout-*.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-3600}"
shift || true
deps="${UNTILED_DEPS:-$PWD/.deps}"
cmake --preset fuzz -DUNTILED_DEPS="$deps"
cmake --build --preset fuzz --target fuzz
cd build/fuzz
"$deps/oracle/bin/python" ../../tests/fuzz/make_corpus.py corpus
[ $# -gt 0 ] || set -- $(ls corpus)
for target in "$@"; do
  [ -x "bin/fuzz_$target" ] || { echo "$target: not built here"; continue; }
  echo "== $target, $seconds s"
  "bin/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 "corpus/$target"
done
