#!/usr/bin/env bash
# OpenCV, SciPy: how far one NaN pixel reaches depends on the function and jumps at a kernel size.
#
# Guess before it was run: a mean over k x k pixels is NaN where the window holds the NaN, k * k
# pixels; whichever function takes it.
# Found: scipy.ndimage.uniform_filter loses all that lies right and below, for its running sum never
# gets rid of the NaN; cv2.blur loses columns downwards for k of 3 and 5 and all to the right as
# well from 7; cv2.filter2D loses k * k up to 11 and from 12 nearly everything, left and above too,
# since it goes through a Fourier transform of large blocks. scipy.ndimage.correlate keeps to k * k.
# NaN marks pixels without tissue in heat maps: a smoothed map is blank or not by tile, by k and by
# library. Fill NaN before a filter and divide by the filtered mask.
source "$(dirname "$0")/common.sh"
in_environment opencv-python-headless==5.0.0.93 scipy==1.17.1 numpy==2.4.6 <<'PYTHON'
import cv2, numpy, scipy
from scipy import ndimage

SIDE = 400
heat = numpy.ones((SIDE, SIDE), numpy.float32)
heat[100, 100] = numpy.nan
print("OpenCV", cv2.__version__, "SciPy", scipy.__version__, "pixels that are NaN, of", heat.size)


def mean_kernel(k):
    return numpy.full((k, k), 1 / (k * k), numpy.float32)


filters = {
    "scipy.ndimage.correlate": lambda k: ndimage.correlate(heat, mean_kernel(k)),
    "scipy.ndimage.uniform_filter": lambda k: ndimage.uniform_filter(heat, k),
    "cv2.blur": lambda k: cv2.blur(heat, (k, k)),
    "cv2.filter2D": lambda k: cv2.filter2D(heat, -1, mean_kernel(k)),
}
lost = {}
for title, filtered in filters.items():
    lost[title] = {k: int(numpy.isnan(filtered(k)).sum()) for k in (3, 5, 7, 11, 13)}
    print(f"{title}: {lost[title]}")
left_of = int(numpy.isnan(cv2.filter2D(heat, -1, mean_kernel(13)))[:, :90].sum())
print("of those of cv2.filter2D with 13 x 13, left of column 90:", left_of)
exact = {k: k * k for k in (3, 5, 7, 11, 13)}
assert lost["scipy.ndimage.correlate"] == exact
assert min(lost["scipy.ndimage.uniform_filter"].values()) > 80000
assert exact[5] < lost["cv2.blur"][5] < 5000 and lost["cv2.blur"][7] > 80000
assert lost["cv2.filter2D"][11] == exact[11] and lost["cv2.filter2D"][13] > 40000 and left_of > 0
PYTHON
