# Sourced by each finding: a temporary folder with a Python environment of pinned packages. A
# finding runs public libraries without this program and fails when they no longer do what it says.
# shellcheck shell=bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

# in_environment PACKAGE==VERSION...: Python code on stdin is run with these packages.
in_environment() {
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"
  printf 'packages: %s\n' "$*"
  cat > "$folder/finding.py"
  (cd "$folder" && "$folder/venv/bin/python" finding.py)
}
