#!/usr/bin/env bash
# Builds a release and packs it for machines like this one without compilers and sources:
# build/release/package/untiled-<version>-<system>-<processor>.tar.gz and its SHA-256. Needs Debian or
# Ubuntu. Then unpacks it elsewhere and verifies a step with it, to see that it needs nothing of this build.
#
# Other words go to cmake's configuration, see scripts/build.sh.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

has dpkg-query || fail "archives name Debian's packages, and dpkg-query is not here"

# Libraries that an unpacked program would take from neither its own folder nor the system.
stray_libraries() {
  env -i LC_ALL=C PATH="$PATH" ldd "$1"/bin/untiled "$1"/bin/untiled-networks |
    grep '=>' | grep -vE "=> ($1|/usr/lib|/lib)/" || true
}

unpacked=''
leave() { if [[ -n "$unpacked" ]]; then rm -rf "$unpacked"; fi; }
trap leave EXIT

check() {
  unpacked="$(realpath "$(mktemp -d)")"
  tar -xzf "$1" -C "$unpacked" --strip-components=1
  local stray
  stray="$(stray_libraries "$unpacked")"
  [[ -z "$stray" ]] || fail "the archive's program needs what is not in it: $stray"
  env -i "$unpacked/bin/untiled" synth --size 400x500 --out "$unpacked/slide.tif" >/dev/null
  env -i "$unpacked/bin/untiled" verify --slide "$unpacked/slide.tif" --size 400x500 ||
    fail "the archive's program does not compute what it should"
}

scripts/build.sh "$@"
folder=build/release/package
rm -f "$folder"/untiled-*.tar.gz*
say "packing, some minutes"
(cd build/release && cpack -G TGZ) >"$folder/log" 2>&1 || fail "$(tail -n 20 "$folder/log")"
archive="$(echo "$folder"/untiled-*.tar.gz)"
say "unpacking it and verifying a step with it"
check "$archive"
say "$archive: $(du -h "$archive" | cut -f 1) packed, $(du -sh "$unpacked/lib" | cut -f 1) of libraries unpacked"
