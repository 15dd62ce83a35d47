#!/usr/bin/env bash
# Shows that a Mac's compiler would take the sources: reads those of build/release's compilation
# database, tests too, with clang and LLVM's C++ library (headers only, nothing is linked), for x86-64
# and, where Debian's cross compiler is installed, for 64-bit Arm. Exits with 77 where these are missing.
#
#   scripts/check_portable.sh               all of them
#   scripts/check_portable.sh SOURCE...     only these, named from the repository's root
#
# It cannot show what Apple's own headers do, and so not lib/core/platform_macos.cpp.
#
# What passed is remembered under a hash of all that it depends on. UNTILED_PORTABLE_SECONDS (default 120)
# bounds a run, which goes on with the others next time; 0 means no bound.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

database=build/release/compile_commands.json
memory=build/portable

skip() {
  echo "SKIPPED: $*"
  exit 77
}

# Whether a clang finds LLVM's C++ library and a C library for a target.
can_read() {
  echo '#include <vector>
#include <unistd.h>' | "$1" --target="$2" -stdlib=libc++ -std=c++20 -fsyntax-only -x c++ - 2>/dev/null
}

# Debian installs each version under its own name; 19 is in Debian 12 and 13.
find_clang() {
  local name
  for name in clang++-19 clang++ clang++-20 clang++-18; do
    if has "$name" && can_read "$name" x86_64-linux-gnu; then
      echo "$name"
      return
    fi
  done
}

# read_sources SECONDS COMPILER "TARGET..." [SOURCE...]: prints what the compiler refuses.
read_sources() {
  python3 - "$database" "$memory" "$(cores)" "$@" <<'PYTHON'
import concurrent.futures, hashlib, json, os, pathlib, re, shlex, subprocess, sys, time

database, memory, cores, seconds, compiler, targets, *wanted = sys.argv[1:]
root = os.getcwd()
folders = ("app", "benchmarks", "data", "lib", "models", "tests")
is_bounded = int(seconds) > 0 and not wanted
deadline = time.monotonic() + int(seconds) if is_bounded else float("inf")
version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
headers = hashlib.sha256(version)
for header in sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*.h")):
    headers.update(header.read_bytes())


def flags_of(entry):
    """Of all that the build says what a reader needs; optimisation and warnings are its own business."""
    words = iter(shlex.split(entry["command"]))
    for word in words:
        if word in ("-I", "-isystem", "-include"):
            yield from (word, next(words))
        elif word.startswith(("-D", "-I", "-std=")):
            yield word


def read(job):
    source, target, flags = job
    # Headers of third parties that Debian keeps by processor are alike for our purpose.
    command = [compiler, f"--target={target}", "-stdlib=libc++", "-fsyntax-only", "-w", *flags,
               "-idirafter", "/usr/include/x86_64-linux-gnu", source]
    key = headers.copy()
    key.update(" ".join(command).encode() + pathlib.Path(source).read_bytes())
    stamp = pathlib.Path(memory, key.hexdigest())
    if stamp.exists():
        return "passed", ""
    if time.monotonic() > deadline:
        return "unread", ""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        stamp.touch()
        return "passed", ""
    return "refused", f"{source} for {target}:\n" + "\n".join(result.stderr.splitlines()[:30])


def uses_libtorch(source):
    return re.search(r"<(torch|ATen|c10)/", pathlib.Path(source).read_text()) is not None


jobs = []
for entry in json.load(open(database)):
    source = os.path.relpath(entry["file"], root)
    is_ours = source.startswith(tuple(f"{folder}/" for folder in folders))
    if source in wanted if wanted else is_ours:
        jobs += [(source, target, list(flags_of(entry))) for target in targets.split()]
unknown = set(wanted) - {source for source, *_ in jobs}
if unknown:
    sys.exit(f"error: not in {database}: {' '.join(sorted(unknown))}")
jobs.sort(key=lambda job: uses_libtorch(job[0]))  # quick ones first
with concurrent.futures.ThreadPoolExecutor(int(cores)) as pool:
    results = list(pool.map(read, jobs))
for _, text in results:
    if text:
        print(text)
count = {state: sum(state == result[0] for result in results) for state in ("passed", "unread", "refused")}
print(f"==> {count['passed']} readings passed, {count['refused']} were refused"
      + (f", {count['unread']} were not reached in {seconds} s and are next time's" if count["unread"] else ""))
sys.exit(count["refused"] > 0)
PYTHON
}

[[ "$(uname -s)" == Linux ]] || skip "a Mac's own build shows it"
[[ -f "$database" ]] || skip "no $database; run scripts/build.sh --tests first"
clang="$(find_clang)"
[[ -n "$clang" ]] || skip "no clang with LLVM's C++ library (Debian: clang-19 libc++-19-dev libc++abi-19-dev)"
targets=(x86_64-linux-gnu)
if can_read "$clang" aarch64-linux-gnu; then
  targets+=(aarch64-linux-gnu)
else
  say "leaving 64-bit Arm out: its headers are missing (Debian: g++-aarch64-linux-gnu)"
fi
mkdir -p "$memory"
say "reading the sources with $("$clang" --version | head -n 1) and LLVM's C++ library for ${targets[*]}"
read_sources "${UNTILED_PORTABLE_SECONDS:-120}" "$clang" "${targets[*]}" "$@" ||
  fail "the sources named above are none that a Mac's compiler takes"
