"""The filters' PTX holds no fused multiply-add of floats and nothing that a driver may fuse or approximate:
such code would have other bits."""

import argparse
import re
import sys
from pathlib import Path

# Without a rounding a driver may make one operation of a product and a sum; approximations and flushed
# denormals differ from the host's.
WRONG = re.compile(r"^\s*(?:@!?%p\d+\s+)?((?:fma|mad)[a-z0-9.]*\.f(?:32|64)|(?:mul|add|sub|sqrt|div|rcp)\.f(?:32|64)"
                   r"|[a-z0-9.]*\.(?:approx|full|ftz)[a-z0-9.]*)\b", re.M)
EXAMPLES = ("fma.rn.f32 \t%f1, %f2, %f3, %f4;", "mul.f32 %f1, %f2, %f3;", "add.f32 %f1, %f2, %f3;", "@%p1 sub.f32 %f1, %f2, %f3;",
            "sqrt.approx.f32 %f1, %f2;", "mul.rn.ftz.f32 %f1, %f2, %f3;", "mad.rn.f32 %f1, %f2, %f3, %f4;")
RIGHT = ("mul.rn.f32 %f1, %f2, %f3;", "add.rn.f32 %f1, %f2, %f3;", "sqrt.rn.f32 %f1, %f2;", "mad.lo.s32 %r1, %r2, %r3, %r4;")

parser = argparse.ArgumentParser()
parser.add_argument("--untiled")
parser.add_argument("--ptx", required=True)
path = parser.parse_args().ptx
if not path:
    print("SKIPPED: nvcc was not found when this was built")
    sys.exit(77)
ptx = Path(path).read_text()
assert all(WRONG.search("\t" + line) for line in EXAMPLES) and not any(WRONG.search("\t" + line) for line in RIGHT)
kernels = re.findall(r"\.visible \.entry (\w+)\(", ptx)
assert len(kernels) >= 12 and "mul.rn.f32" in ptx and "sqrt.rn.f32" in ptx, f"{path} holds no filters: {kernels}"
found = [match.group(1) for match in WRONG.finditer(ptx)]
print(f"{len(kernels)} kernels, {len(ptx.splitlines())} lines, {len(found)} operations with other bits")
for operation in found[:10]:
    print("FAILED:", operation)
sys.exit(1 if found else 0)
