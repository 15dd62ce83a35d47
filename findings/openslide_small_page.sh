#!/usr/bin/env bash
# OpenSlide: a label that a generic TIFF stores in tiles is a level of the slide.
#
# Guess before it was run: a page of 320 x 200 beside a slide of 2220 x 2967 is an associated image,
# or nothing; it cannot be a reduced slide, which would be higher than wide.
# Found: with the mark of a reduced image every tiled page is a level, whatever its shape. The
# level's factor is then the mean of 6.9 and 14.8, and what a viewer shows far out is the label.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 tifffile==2026.3.3 numpy==2.4.6 <<'PYTHON'
import numpy, openslide, tifffile

slide = numpy.full((2967, 2220, 3), 240, numpy.uint8)
label = numpy.full((200, 320, 3), 10, numpy.uint8)
with tifffile.TiffWriter("slide.tif") as tiff:
    tiff.write(slide, photometric="rgb", tile=(256, 256))
    tiff.write(label, photometric="rgb", tile=(256, 256), subfiletype=1)
opened = openslide.OpenSlide("slide.tif")
print("OpenSlide", openslide.__library_version__, opened.level_dimensions, opened.level_downsamples,
      "associated images:", list(opened.associated_images))
pixel = opened.read_region((0, 0), 1, (1, 1)).getpixel((0, 0))
print("first pixel of level 1:", pixel)
assert opened.level_dimensions == ((2220, 2967), (320, 200)), "the label is no level now"
assert pixel[:3] == (10, 10, 10)
PYTHON
