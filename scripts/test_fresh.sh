#!/usr/bin/env bash
# Runs a command in a fresh clone on a machine that has never seen the project: a minimal Debian in a
# folder, without this machine's compilers, headers, packages and variables. `--help` says how.
set -euo pipefail

usage() {
  cat <<'USAGE'
scripts/test_fresh.sh [options] SUITE [COMMAND]

Makes a minimal Debian of SUITE (bookworm, trixie) with debootstrap, clones the commit that is checked
out here into it, and runs COMMAND there, a line of bash in the clone's root. Changes that are not
committed take no part. The default COMMAND is
    ./scripts/demo.sh && ./scripts/test.sh --quick

  --root FOLDER     make the Debian there and keep it; one that is there is used again, with the
                    packages that it has and a new clone. Without it a temporary one is made in TMPDIR
                    and removed at the end.
  --ccache FOLDER   keep ccache's results in FOLDER, which the next run of the same suite may use
  --packages FOLDER keep the packages that apt fetches in FOLDER, which the next run may use
  --mirror URL      fetch Debian from there instead of from the mirror in apt's sources

Needs root, debootstrap, unshare and some 12 GB of disk. Of this machine the new one gets its name
servers, proxies, certificates and settings of pip, no file else. Everything is mounted in a namespace
of its own, which ends with the command. Ends with COMMAND's exit status; with 77 and a reason where
this machine cannot make another, and with 2 on wrong usage.
USAGE
}

wrong() {
  printf 'error: %s; see scripts/test_fresh.sh --help\n' "$*" >&2
  exit 2
}

skip() {
  echo "SKIPPED: $*"
  exit 77
}

suite='' command='' folder='' ccache='' packages='' mirror=''
while (($# > 0)); do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --root | --ccache | --packages | --mirror)
      (($# > 1)) || wrong "$1 needs a value"
      case "$1" in
        --root) folder="$2" ;;
        --ccache) ccache="$2" ;;
        --packages) packages="$2" ;;
        --mirror) mirror="$2" ;;
      esac
      shift 2
      ;;
    -*) wrong "unknown option $1" ;;
    *)
      if [[ -z "$suite" ]]; then
        suite="$1"
      elif [[ -z "$command" ]]; then
        command="$1"
      else
        wrong "one COMMAND is expected, found also '$1'; quote it"
      fi
      shift
      ;;
  esac
done
case "$suite" in
  bookworm | trixie) ;;
  '') wrong "the suite is missing: bookworm or trixie" ;;
  *) wrong "unknown suite $suite: bookworm and trixie are known" ;;
esac
command="${command:-./scripts/demo.sh && ./scripts/test.sh --quick}"
# Before the folder changes: these are relative to the caller's.
for name in folder ccache packages; do
  if [[ -n "${!name}" ]]; then printf -v "$name" '%s' "$(realpath -m "${!name}")"; fi
done

# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The mirror in apt's own sources, however they are written.
find_mirror() {
  # shellcheck disable=SC2016  # apt replaces these names
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Component: main' \
    2>/dev/null | awk '$2 == "Debian" && NF == 2 { print $1; exit }'
}

check_machine() {
  ((EUID == 0)) || skip "only root can make a machine in a folder"
  has debootstrap || skip "no debootstrap (Debian: apt-get install debootstrap)"
  has unshare || skip "no unshare (Debian: apt-get install util-linux)"
  unshare --mount --pid --fork true 2>/dev/null || skip "this container may not mount anything"
  mirror="${mirror:-$(find_mirror)}"
  [[ -n "$mirror" ]] || skip "apt's lists name no Debian mirror; run apt-get update or give --mirror"
}

child=''
made=''
log=''
leave() {
  trap - EXIT
  trap '' INT TERM HUP  # a second signal must not leave half a machine behind
  # The end of the namespace's first process ends all others in it, and with them its mounts.
  if [[ -n "$child" ]]; then
    kill -KILL "$child" 2>/dev/null || true  # unshare lets no other signal end it
    wait "$child" 2>/dev/null || true
  fi
  if [[ -n "$made" ]]; then rm -rf --one-file-system "$made"; fi
  if [[ -n "$log" ]]; then rm -f "$log"; fi
}

# Runs what follows in namespaces of its own, as a child that a signal to this script ends too.
isolated() {
  local status=0
  unshare --mount --propagation private --pid --fork --kill-child=KILL "$@" </dev/null &
  child=$!
  wait "$child" || status=$?
  child=''
  return "$status"
}

make_debian() {
  if [[ -e "$folder/etc/fresh_suite" ]]; then
    [[ "$(cat "$folder/etc/fresh_suite")" == "$suite" ]] ||
      fail "$folder holds $(cat "$folder/etc/fresh_suite"), not $suite; remove it or name another folder"
    return
  fi
  [[ -z "$(ls -A "$folder")" ]] || fail "$folder is neither empty nor a $suite that this script made"
  local -a cached=()
  if [[ -n "$packages" ]]; then cached=("--cache-dir=$packages"); fi
  say "making a minimal $suite in $folder"
  log="$(mktemp)"
  isolated debootstrap --variant=minbase --include=ca-certificates,git,python3 "${cached[@]}" "$suite" \
    "$folder" "$mirror" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    skip "debootstrap could not make $suite from $mirror; above are its last words"
  }
  echo "$suite" >"$folder/etc/fresh_suite"
}

# What a machine on this network needs to reach packages.
copy_network_settings() {
  local file
  for file in hosts resolv.conf pip.conf ssl/certs/ca-certificates.crt; do
    if [[ -e "/etc/$file" ]]; then cp -L "/etc/$file" "$folder/etc/$file"; fi
  done
  apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' \
    >"$folder/etc/apt/apt.conf.d/90network" || true
}

# Variables of this machine that say how to reach the network; all others stay outside.
network_variables() {
  local name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY \
    PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT; do
    if [[ -n "${!name:-}" ]]; then printf '%s=%s\n' "$name" "${!name}"; fi
  done
  if [[ -e "$folder/etc/ssl/certs/ca-certificates.crt" ]]; then
    printf '%s=/etc/ssl/certs/ca-certificates.crt\n' PIP_CERT SSL_CERT_FILE
  fi
}

# Runs in the namespace: mounts, then becomes the command.
readonly enter='
set -euo pipefail
folder="$1"; ccache="$2"; packages="$3"; command="$4"; shift 4
mount -t proc proc "$folder/proc"
mount -t sysfs -o ro sysfs "$folder/sys"
mount -t tmpfs tmpfs "$folder/dev/shm"
if [[ -n "$ccache" ]]; then
  mkdir -p "$folder/root/.cache/ccache"
  mount --bind "$ccache" "$folder/root/.cache/ccache"
fi
if [[ -n "$packages" ]]; then mount --bind "$packages" "$folder/var/cache/apt/archives"; fi
exec env -i "$@" HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  chroot "$folder" bash -c "cd /root/project || exit
$command"'

check_machine
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [[ -z "$folder" ]]; then
  folder="$(mktemp -d)"
  made="$folder"
fi
mkdir -p "$folder" ${ccache:+"$ccache"} ${packages:+"$packages"}
make_debian
copy_network_settings
rm -rf --one-file-system "$folder/root/project"
git clone --quiet --no-hardlinks "$root" "$folder/root/project"
git -C "$folder/root/project" checkout --quiet --detach "$(git rev-parse HEAD)"
mapfile -t variables < <(network_variables)
say "running in $suite: $command"
started=$SECONDS
status=0
isolated bash -c "$enter" _ "$folder" "$ccache" "$packages" "$command" "${variables[@]}" || status=$?
say "$suite: '$command' ended with $status after $((SECONDS - started)) s"
exit "$status"
