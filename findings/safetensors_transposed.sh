#!/usr/bin/env bash
# safetensors: a NumPy array in Fortran's order is saved scrambled, without a word.
#
# Guess before it was run: a transposed weight is either copied into row order and saved right, or
# refused, as safetensors.torch refuses a tensor that is not contiguous.
# Found: the bytes are taken as they lie in memory and the shape as it is, so what is loaded has the
# right shape, type and sum, and its values in other places. It hits weights that a converter turned
# (dense layers, 1 x 1 convolutions from other frameworks) and arrays from column-major files. The
# docstring asks for "contiguous and dense" tensors, which a Fortran array is. Save
# numpy.ascontiguousarray(array), and compare after loading.
source "$(dirname "$0")/common.sh"
in_environment safetensors==0.8.0 numpy==2.4.6 <<'PYTHON'
import numpy, safetensors
from safetensors.numpy import load, save

print("safetensors", safetensors.__version__)
weight = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
seen = {}
for title, array in (
    ("as it is", weight),
    ("transposed", weight.T),
    ("asfortranarray", numpy.asfortranarray(weight)),
    ("transposed, copied", numpy.ascontiguousarray(weight.T)),
):
    back = load(save({"weight": array}))["weight"]
    seen[title] = numpy.array_equal(back, array)
    print(f"{title}: saved {array.tolist()}, loaded {back.tolist()}, equal: {seen[title]}")
    assert back.shape == array.shape and back.sum() == array.sum()
assert seen == {
    "as it is": True,
    "transposed": False,
    "asfortranarray": False,
    "transposed, copied": True,
}, "the order of arrays is seen to now"
PYTHON
