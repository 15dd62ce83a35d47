#!/usr/bin/env bash
# UCX 1.13 (under Debian 12's MPICH): mremap with MREMAP_FIXED maps somewhere else and reports success.
#
# Guess before it was run: a communication library that watches the memory of a process sees calls
# of mmap and mremap, and changes nothing about them.
# Found: from the moment the library is loaded, before anything of it is called, the fifth argument
# of mremap is lost. MREMAP_FIXED with an address gives a mapping at another address, no error, and
# what is read at the address that was asked for is not there. Rings that are mapped twice in a
# row, and allocators that move pages, crash or corrupt memory in programs that never meant to use
# UCX but are linked with an MPI that does. UCX 1.14 passes the argument on (openucx/ucx#8820).
# Compare the address that mremap returns, or call the system past the C library.
#
# Needs Debian 12, cc and apt-get; nothing is installed.
source "$(dirname "$0")/common.sh"
cd "$folder"
apt-get download -qq libucx0=1.13.1-1 2>/dev/null
dpkg -x libucx0_1.13.1-1_*.deb .
libraries="$(dirname "$(find "$folder/usr/lib" -name libucs.so.0)")"
cat > mapped_twice.c <<'SOURCE'
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
  size_t size = 1 << 20;
  char *place = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *first = mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  char *second = mremap(first, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, place + size);
  puts(second == MAP_FAILED ? "an error" : second == place + size ? "where it was asked for" : "elsewhere, without an error");
  return 0;
}
SOURCE
cc -o mapped_twice mapped_twice.c
alone="$(./mapped_twice)"
with_ucx="$(LD_LIBRARY_PATH="$libraries" LD_PRELOAD=libucs.so.0 ./mapped_twice)"
echo "packages: libucx0 1.13.1-1"
echo "the C library alone maps: $alone"
echo "with UCX loaded it maps:  $with_ucx"
[[ "$alone" == "where it was asked for" && "$with_ucx" == "elsewhere, without an error" ]] ||
  { echo "the behaviour has changed"; exit 1; }
