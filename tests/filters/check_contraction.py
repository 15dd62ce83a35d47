"""The objects of the filters hold no fused multiply-add: such code would have other bits."""

import argparse
import re
import shutil
import subprocess
import sys

FUSED = re.compile(r"\s(vfn?m(add|sub)\w*|fn?m(add|sub)|fml[as])\b")

parser = argparse.ArgumentParser()
parser.add_argument("--untiled")
parser.add_argument("--library", required=True)
library = parser.parse_args().library
if shutil.which("objdump") is None:
    print("SKIPPED: no objdump")
    sys.exit(77)
code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True, check=True).stdout
assert "sobel" in code and len(code.splitlines()) > 1000, f"{library} holds no filters"
assert FUSED.search("  12:\tvfmadd231ps %ymm1,%ymm2,%ymm3") and FUSED.search(" 4:\tfmla v0.4s, v1.4s, v2.4s")
found = [line.strip() for line in code.splitlines() if FUSED.search(line)]
print(f"{len(found)} fused multiply-adds in {len(code.splitlines())} lines")
for line in found[:10]:
    print("FAILED:", line)
sys.exit(1 if found else 0)
