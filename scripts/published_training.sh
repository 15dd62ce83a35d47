#!/usr/bin/env bash
# The published training in one command: makes two synthetic slides of 16,000 x 64,000 pixels to train
# on and a third to validate on, trains on whole slides, and says how well and how fast.
#
#   scripts/published_training.sh                          1 GiB, slides decoded in each step
#   scripts/published_training.sh --budget 17GiB           decoded pixels kept in RAM
#   scripts/published_training.sh --steps 60 --size 4000x8000
#
# Needs a build (scripts/build.sh) and 0.5 GB of disk.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

untiled=build/release/bin/untiled
size=16000x64000
steps=100
budget=1GiB

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }

while (($# > 0)); do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --size | --steps | --budget)
      (($# > 1)) || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    *) fail "unknown option $1; there are --size, --steps and --budget" ;;
  esac
done

[[ -x "$untiled" ]] || fail "$untiled is missing; run scripts/build.sh first"

# A slide of another size than before is made anew.
make_slide() {
  local slide="demo/published/$1.tif" seed="$2" stamp="demo/published/$1.size"
  if [[ -f "$slide" && -f "$stamp" && "$(cat "$stamp")" == "$size $seed" ]]; then return; fi
  "$untiled" synth --size "$size" --seed "$seed" --out "$slide"
  echo "$size $seed" >"$stamp"
}

mkdir -p demo/published
say "making three slides of $size pixels"
make_slide train1 1
make_slide train2 2
make_slide validation 3
rm -rf runs/published_training
say "training for $steps steps"
"$untiled" train configs/published_training.yaml --set "train.steps=$steps" \
  --set "memory_budget=$budget"

python3 - runs/published_training <<'PYTHON'
import csv, json, os, sys

folder = sys.argv[1]
summary = json.load(open(os.path.join(folder, "summary.json")))
timings = list(csv.DictReader(open(os.path.join(folder, "timings.csv"))))
metrics = list(csv.DictReader(open(os.path.join(folder, "metrics.csv"))))
passed = 0.0
reached = None
for metric, timing in zip(metrics, timings):
    passed += sum(float(timing[part + "_seconds"]) for part in ("step", "validation"))
    dice = metric.get("validation_dice", "")
    if dice and reached is None and float(dice) >= 0.989:
        reached = passed
print(f"Dice    {summary['best_dice']:.4f} on the slide that was not trained on, "
      f"after {summary['best_step']} steps")
print(f"speed   {summary['seconds_per_step']:.1f} s a step, {passed / 60:.1f} min in all")
print("0.989   " + (f"reached after {reached / 60:.1f} min" if reached else "not reached"))
print(f"memory  {summary['peak_rss_bytes'] / 2**30:.2f} GiB at most")
PYTHON
