#!/usr/bin/env bash
# run_python.sh PYTHON SCRIPT [ARGS...]: runs a Python check; 77 (skipped) where PYTHON is missing.
set -eu
if [ ! -x "$1" ]; then
  echo "SKIPPED: no $1; scripts/setup.sh installs it"
  exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$@"
