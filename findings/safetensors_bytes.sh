#!/usr/bin/env bash
# safetensors: the same tensors with the same metadata are other bytes in each process.
#
# Guess before it was run: the format is a header of JSON and the tensors' bytes in a fixed order, so
# the same content gives the same file, and a hash of the file names the weights.
# Found: the tensors' order is fixed, that of the metadata is a hash map's, whose order is drawn for
# each process. Files with two metadata or more can only be compared by what they hold.
source "$(dirname "$0")/common.sh"
in_environment safetensors==0.8.0 numpy==2.4.6 <<'PYTHON'
import hashlib, subprocess, sys

WRITER = """
import sys, numpy
from safetensors.numpy import save
weights = {"weight": numpy.arange(6, dtype=numpy.float32), "bias": numpy.ones(2)}
facts = {} if sys.argv[1] == "none" else {f"fact{i}": str(i) for i in range(8)}
sys.stdout.buffer.write(save(weights, facts))
"""


def files(metadata):
    return {subprocess.run([sys.executable, "-c", WRITER, metadata], capture_output=True,
                           check=True).stdout for _ in range(8)}


plain, with_facts = files("none"), files("eight")
print(f"8 processes wrote {len(plain)} file without metadata and {len(with_facts)} with eight of them")
for data in sorted(with_facts)[:3]:
    print(hashlib.sha256(data).hexdigest()[:16], data[8:90])
assert len(plain) == 1, "files without metadata differ as well now"
assert len(with_facts) > 1, "metadata have a fixed order now"
assert len({len(data) for data in with_facts}) == 1
PYTHON
