#!/usr/bin/env bash
# SciPy: zoom of a patch of 512 to 224 pixels blanks its last row and column; to 256 not.
#
# Guess before it was run: an image of ones zoomed by any factor is an image of ones, whatever the
# order of the interpolation.
# Found: for one size in eight or so the last row and column are 0, with orders 0, 1 and 3 alike:
# the last sample's position is rounded to just above the last pixel, and what lies outside is cval,
# black, in the default mode "constant". 512 to 224, the input of many networks, is such a size. A
# mask loses its border, an image gets a black line, and a test with other sizes finds neither. Pass
# mode="nearest"; with grid_mode=True pixels are areas, as other libraries have them.
source "$(dirname "$0")/common.sh"
in_environment scipy==1.17.1 numpy==2.4.6 <<'PYTHON'
import numpy, scipy
from scipy import ndimage

print("SciPy", scipy.__version__)
patch = numpy.ones((512, 512), numpy.uint8)
black = {}
for side in (192, 224, 256, 299):
    black[side] = [
        int((ndimage.zoom(patch, side / 512, order=order) == 0).sum()) for order in (0, 1, 3)
    ]
    print(f"512 to {side}: pixels that are 0 with orders 0, 1 and 3: {black[side]}")
small = ndimage.zoom(patch, 224 / 512, order=1)
print(
    "those of 224 lie in the last row and column:", not small[-1].any() and not small[:, -1].any()
)
nearest = int((ndimage.zoom(patch, 224 / 512, order=1, mode="nearest") == 0).sum())
line = numpy.ones(512, numpy.uint8)
sizes = [side for side in range(2, 512) if ndimage.zoom(line, side / 512, order=0)[-1] == 0]
print(
    f"with mode nearest: {nearest}; of 510 smaller sides {len(sizes)} are hit, such as {sizes[-5:]}"
)
assert black == {192: [0] * 3, 224: [447] * 3, 256: [0] * 3, 299: [0] * 3}, black
assert not small[-1].any() and not small[:, -1].any() and nearest == 0 and len(sizes) > 30
PYTHON
