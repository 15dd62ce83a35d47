#!/usr/bin/env bash
# On a machine with an NVIDIA GPU and a build of this clone that has CUDA's filters: compares the
# device's bits with the CPU's and measures both, in ten minutes at most. Needs no network.
#
#   scripts/gpu_check.sh [FOLDER]     figures and logs go there; build/gpu_check by default
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bin="$root/build/release/bin"
out="${1:-$root/build/gpu_check}"
[[ -x "$bin/untiled" ]] || fail "there is no build: run scripts/build.sh first"
mkdir -p "$out"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
failed=0

# A part of the check with its seconds at most; what it prints is kept.
part() {
  local name="$1" seconds="$2" code=0
  shift 2
  say "$name"
  timeout "$seconds" "$@" >"$out/$name.log" 2>&1 || code=$?
  if ((code == 0)); then
    tail -n 3 "$out/$name.log"
    return
  fi
  failed=1
  printf 'FAILED: %s (exit %s; 124: out of time), see %s\n' "$name" "$code" "$out/$name.log" >&2
  tail -n 20 "$out/$name.log" >&2
}

# The bytes of all files of an output, in their order.
bytes_of() { (cd "$1" && find . -type f ! -path './.untiled/*' ! -name 'report.*' ! -name 'timings.csv' -print0 |
  sort -z | xargs -0 cat | digest); }

compare_outputs() {
  local chain cpu cuda
  [[ -e "$scratch/slide.tif" ]] || "$bin/untiled" synth --size 6000x9000 --out "$scratch/slide.tif"
  for chain in none sobel gaussian:2.5 gaussian:2.5:uint8 median absorbance separation macenko \
    median,gaussian:1,sobel; do
    for device in cpu cuda; do
      "$bin/untiled" tile "$scratch/slide.tif" --filter "$chain" --format zarr --device "$device" \
        --out "$scratch/$device"
    done
    cpu="$(bytes_of "$scratch/cpu")" cuda="$(bytes_of "$scratch/cuda")"
    rm -rf "$scratch/cpu" "$scratch/cuda"
    [[ "$cpu" == "$cuda" ]] || { echo "$chain: the device has other bytes"; return 1; }
    echo "$chain: the same bytes"
  done
}

# Chunks that go from the device to their files.
compare_kvikio() {
  [[ -e "$scratch/slide.tif" ]] || "$bin/untiled" synth --size 6000x9000 --out "$scratch/slide.tif"
  "$bin/untiled" tile "$scratch/slide.tif" --filter sobel --format zarr --out "$scratch/host"
  "$bin/untiled" tile "$scratch/slide.tif" --filter sobel --format zarr --device cuda --kvikio \
    --out "$scratch/kvikio" --json | grep kvikio_mode
  [[ "$(bytes_of "$scratch/host")" == "$(bytes_of "$scratch/kvikio")" ]] ||
    { echo "KvikIO has other bytes"; return 1; }
  rm -rf "$scratch/host" "$scratch/kvikio"
}

# JPEG tiles that the card decodes: the largest difference from the host's pixels, which may be 3, or 8
# where chroma is halved.
compare_decoding() {
  local kind slide
  "$python" - "$scratch" <<'PYTHON'
import sys
import numpy as np, tifffile
y, x = np.mgrid[:4096, :6144]
noise = np.random.default_rng(1).normal(0, 6, (*y.shape, 3))
base = np.stack([150 + 60 * np.sin(x / 31), 120 + 50 * np.cos(y / 23), 160 + 40 * np.sin((x + y) / 47)], -1)
pixels = np.clip(base + noise, 0, 255).astype(np.uint8)
for name, chroma in (("full", (1, 1)), ("halved", (2, 2))):
    tifffile.imwrite(f"{sys.argv[1]}/{name}.tif", pixels, tile=(512, 512), photometric="ycbcr", compression="jpeg",
                     subsampling=chroma, metadata=None)
PYTHON
  for kind in full halved; do
    slide="$scratch/$kind.tif"
    "$bin/untiled" tile "$slide" --format tiff --codec none --device cuda --out "$scratch/host"
    "$bin/untiled" tile "$slide" --format tiff --codec none --device cuda --decode gpu --json \
      --out "$scratch/card" | grep decoded_by_nvimgcodec
    "$python" - "$scratch/host/$kind.tif.tif" "$scratch/card/$kind.tif.tif" "$kind" <<'PYTHON'
import sys
import numpy as np, tifffile
host, card = (tifffile.imread(path).astype(int) for path in sys.argv[1:3])
apart = np.abs(host - card)
print(f"{sys.argv[3]} chroma: at most {apart.max()} of 255 apart, {(apart > 0).mean():.1%} of the samples differ")
sys.exit(int(apart.max() > (3 if sys.argv[3] == "full" else 8)))
PYTHON
    rm -rf "$scratch/host" "$scratch/card"
  done
}

# Three steps on the card over tiles that the host decodes, and that the card does: the losses may be 1 %
# apart. Also two ranks that share the card, whose sums go through the host: one rank's bytes.
compare_training() {
  local decode
  [[ -e "$scratch/full.tif" ]] || { echo "there is no slide of JPEG tiles"; return 1; }
  cat >"$scratch/train.yaml" <<'YAML'
data: {slides: [full.tif], cache: none}
train: {steps: 3, loss: bce}
memory_budget: 2GiB
YAML
  for decode in host gpu; do
    "$bin/untiled" train "$scratch/train.yaml" --out "$scratch/train_$decode" --set device=cuda:0 \
      --set "data.decode=$decode"
  done
  "$bin/untiled" train "$scratch/train.yaml" --out "$scratch/train_ranks" --set device=cuda:0 \
    --set data.decode=host --ranks threads:2
  "$python" - "$scratch" <<'PYTHON'
import json, sys
host, card, ranks = (json.load(open(f"{sys.argv[1]}/train_{name}/summary.json")) for name in ("host", "gpu", "ranks"))
apart = max(abs(a - b) / abs(a) for a, b in zip(host["losses"], card["losses"]))
print(f"decoded by {card['decoder']}: {card['decoded_by_nvimgcodec']} tiles, losses {apart:.2%} apart")
print(f"a step: {host['seconds_per_step']:.3f} s where the host decodes, {card['seconds_per_step']:.3f} s where the card does")
print(f"two ranks on one card: {ranks['rank_sums']}; the same weights: {host['weights_hash'] == ranks['weights_hash']}")
sys.exit(not (card["decoder"] == "gpu" and card["decoded_by_nvimgcodec"] > 0 and apart < 0.01
              and host["weights_hash"] == ranks["weights_hash"]))
PYTHON
}

# A slide that is read and filtered at once, and raw tiles that KvikIO reads.
compare_ways() {
  [[ -e "$scratch/slide.tif" ]] || "$bin/untiled" synth --size 6000x9000 --out "$scratch/slide.tif"
  "$bin/untiled" tile "$scratch/slide.tif" --format tiff --codec none --out "$scratch/raw"
  local raw="$scratch/raw/slide.tif.tif" expected
  "$bin/untiled" tile "$raw" --filter gaussian:2,sobel --format zarr --out "$scratch/cpu"
  expected="$(bytes_of "$scratch/cpu")"
  local -a ways=(--global)
  if [[ -e "$root/build/release/lib/libuntiled_kvikio.so" ]]; then ways+=(--kvikio-read); fi
  for way in "${ways[@]}"; do
    "$bin/untiled" tile "$raw" --filter gaussian:2,sobel --format zarr --device cuda "$way" --json \
      --out "$scratch/cuda" | grep -E 'read_by_kvikio|kvikio_mode' || true
    [[ "$(bytes_of "$scratch/cuda")" == "$expected" ]] || { echo "$way has other bytes"; return 1; }
    rm -rf "$scratch/cuda"
    echo "$way: the same bytes"
  done
}

has nvidia-smi && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
"$bin/untiled" doctor | tee "$out/doctor.log" | grep -i cuda || true
part kernels 60 "$bin/test_cuda_filters" '[gpu]'
if grep -q SKIPPED "$out/kernels.log"; then fail "$(grep SKIPPED "$out/kernels.log")"; fi
python="$UNTILED_DEPS/oracle/bin/python"
export -f compare_outputs compare_kvikio compare_decoding compare_training compare_ways bytes_of digest has
export bin scratch root python
part outputs 90 bash -euo pipefail -c compare_outputs
if [[ -e "$root/build/release/lib/libuntiled_kvikio.so" ]]; then
  part kvikio 45 bash -euo pipefail -c compare_kvikio
fi
part ways 45 bash -euo pipefail -c compare_ways
if [[ -e "$root/build/release/lib/libuntiled_nvimgcodec.so" && -x "$python" ]]; then
  part decoding 60 bash -euo pipefail -c compare_decoding
  part training 60 bash -euo pipefail -c compare_training
fi
part bench 180 "$bin/untiled" bench tiles --device cuda --repeats 3 --scratch "$scratch" \
  --out "$out/tiles.json" --name "$(hostname)"
grep -E 'convert|trip' "$out/bench.log" || true
for test in test_device test_gpu test_streaming test_nccl; do
  if [[ -x "$bin/$test" ]]; then part "$test" 60 "$bin/$test" '[gpu]'; fi
done
exit "$failed"
