#!/usr/bin/env bash
# SciPy: an 8-bit pyramid made with scipy.ndimage gets a grey level darker with every level.
#
# Guess before it was run: smoothing 8-bit pixels rounds to the nearest value, so the mean stays
# within a tenth of a grey level however often it is done.
# Found: gaussian_filter cuts the decimals off, once for each axis, so a level is 1.0 darker than
# the one before it, and level 6 has lost 6; uniform_filter loses nearly as much. The same filter on
# floats, and OpenCV's pyrDown on bytes, keep the mean. Thresholds that were found on a thumbnail do
# not hold for level 0, and stain normalisation corrects a shift that is none of the stain's. Pass
# output=numpy.float32 and round once.
source "$(dirname "$0")/common.sh"
in_environment scipy==1.17.1 opencv-python-headless==5.0.0.93 numpy==2.4.6 <<'PYTHON'
import cv2, numpy, scipy
from scipy import ndimage

slide = numpy.random.default_rng(0).integers(100, 201, (1024, 1024), dtype=numpy.uint8)
reductions = {
    "gaussian_filter of bytes": lambda level: ndimage.gaussian_filter(level, 1)[::2, ::2],
    "uniform_filter of bytes": lambda level: ndimage.uniform_filter(level, 3)[::2, ::2],
    "gaussian_filter of floats": lambda level: (
        ndimage.gaussian_filter(level, 1, output=numpy.float32).round().astype("u1")[::2, ::2]
    ),
    "cv2.pyrDown of bytes": cv2.pyrDown,
}
print(
    "SciPy",
    scipy.__version__,
    "OpenCV",
    cv2.__version__,
    "mean of level 0 less that of levels 1 to 6",
)
lost = {}
for title, reduce in reductions.items():
    level, lost[title] = slide, []
    for _ in range(6):
        level = reduce(level)
        lost[title].append(round(float(slide.mean() - level.mean()), 2))
    print(f"{title}: {lost[title]}")
assert 5 < lost["gaussian_filter of bytes"][5] < 7, "the pyramid keeps its mean now"
assert 3 < lost["uniform_filter of bytes"][5] < 7
assert max(abs(value) for value in lost["gaussian_filter of floats"]) < 1
assert max(abs(value) for value in lost["cv2.pyrDown of bytes"]) < 1
PYTHON
