#!/usr/bin/env bash
# OpenSlide: a pixel of a reduced level has another value in another region.
#
# Guess before it was run: level 1 is stored, so a pixel of it is what the file holds, whichever
# region it is read with; positions in level 0 are divided by the level's factor of 4.
# Found: the factor is the mean ratio of the sizes, here 3.994, since 2001 x 1997 pixels were halved
# twice to 501 x 500. A region that begins at 4 * k begins between pixels of the level, and what
# comes is a mixture of neighbours, the more so the farther from the corner. Tiles that are read one
# by one do not fit together; reads from (0, 0) are the file's pixels.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 tifffile==2026.3.3 numpy==2.4.6 <<'PYTHON'
import numpy, openslide, tifffile

full = numpy.random.default_rng(0).integers(0, 255, (2001, 1997, 3), dtype=numpy.uint8)
level = full[::4, ::4]
with tifffile.TiffWriter("slide.tif") as tiff:
    tiff.write(full, photometric="rgb", tile=(256, 256))
    tiff.write(level, photometric="rgb", tile=(256, 256), subfiletype=1)
slide = openslide.OpenSlide("slide.tif")
print("OpenSlide", openslide.__library_version__, slide.level_dimensions, slide.level_downsamples)


def read(col, size):
    region = slide.read_region((4 * col, 0), 1, size)
    return numpy.asarray(region)[..., :3].astype(int)


whole = read(0, slide.level_dimensions[1])
print("read as a whole, level 1 is the file's:", numpy.array_equal(whole, level))
worst = {}
for col in (0, 100, 200, 300, 400):
    worst[col] = int(numpy.abs(read(col, (16, 16)) - level[:16, col:col + 16]).max())
print("largest difference of 16 x 16 pixels by the column where they begin:", worst)
assert numpy.array_equal(whole, level) and worst[0] == 0
assert slide.level_downsamples[1] != 4.0, "the factor is 4 now"
assert worst[400] > worst[100] > 0, "regions are the file's pixels now"
PYTHON
