#!/usr/bin/env bash
# OpenSlide: the best level for a downsample of 4 is the whole image though a quarter is stored.
#
# Guess before it was run: a pyramid whose level 1 is a quarter of level 0 answers 1 when it is asked
# for the best level for a downsample of 4.
# Found: 2003 x 2003 pixels have a quarter of 500 x 500, whose ratio is 4.006; the best level is the
# largest whose ratio is not above what was asked for, so it is level 0, and a reader decodes sixteen
# times the pixels. Asking for 4.01 gives level 1.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 tifffile==2026.3.3 numpy==2.4.6 <<'PYTHON'
import numpy, openslide, tifffile

answers = {}
for side in (2000, 2001, 2003):
    full = numpy.zeros((side, side, 3), numpy.uint8)
    with tifffile.TiffWriter(f"{side}.tif") as tiff:
        tiff.write(full, photometric="rgb", tile=(256, 256))
        tiff.write(full[: side // 4, : side // 4], photometric="rgb", tile=(256, 256), subfiletype=1)
    slide = openslide.OpenSlide(f"{side}.tif")
    answers[side] = [slide.get_best_level_for_downsample(d) for d in (3.99, 4, 4.01)]
    print(openslide.__library_version__, slide.level_dimensions, slide.level_downsamples[1],
          "best levels for 3.99, 4 and 4.01:", answers[side])
assert answers[2000] == [0, 1, 1]
assert answers[2001] == [0, 0, 1] and answers[2003] == [0, 0, 1], "level 1 is the best for 4 now"
PYTHON
