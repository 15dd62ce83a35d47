#!/usr/bin/env bash
# cuCIM: a region of a reduced level claims pixels that are smaller than those of level 0.
#
# Guess before it was run: level 0 has pixels of 0.25 micrometres; a region that is read at level 1,
# which is a quarter, has a spacing of 1 micrometre.
# Found: it has 0.0625: the spacing is divided by the level's factor where it should be multiplied,
# and level 2 has 0.0156. Pixels and factors are right. Areas that are computed from a region's own
# spacing are too small by 256 at level 1 and by 65,536 at level 2. Also, spacing() is in the order
# y, x, while read_region takes x, y. Take the spacing of level 0 times the factor.
source "$(dirname "$0")/common.sh"
# Without its dependencies: the processor's part needs none of CUDA's libraries.
in_environment --no-deps cucim-cu13==26.10.0 click==8.5.1 lazy-loader==0.6 packaging==26.4 \
  tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, tifffile
from cucim import CuImage

noise = numpy.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=numpy.uint8)
levels = [noise, noise[::4, ::4], noise[::16, ::16]]
with tifffile.TiffWriter("slide.tif") as tiff:
    for index, level in enumerate(levels):
        tiff.write(
            level,
            tile=(64, 64),
            photometric="rgb",
            compression="lzw",
            metadata=None,
            resolution=(40000 / 4**index, 20000 / 4**index),
            resolutionunit="CENTIMETER",
            subfiletype=1 if index else 0,
        )
slide = CuImage("slide.tif")
print(
    "cuCIM",
    importlib.metadata.version("cucim-cu13"),
    slide.resolutions["level_downsamples"],
    "spacing of the slide:",
    slide.spacing()[:2],
    slide.spacing_units()[:2],
)
spacings = []
for index, level in enumerate(levels):
    region = slide.read_region((0, 0), (32, 32), index)
    assert numpy.array_equal(numpy.asarray(region), level[:32, :32])
    spacings.append([round(value, 6) for value in region.spacing()[:2]])
    print(
        f"level {index}: the region's spacing {spacings[-1]}, the file's "
        f"{[0.5 * 4**index, 0.25 * 4**index]}"
    )
assert spacings == [[0.5, 0.25], [0.125, 0.0625], [0.03125, 0.015625]], spacings
PYTHON
