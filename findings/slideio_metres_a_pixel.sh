#!/usr/bin/env bash
# slideio: a TIFF without units has a metre a pixel, and its two drivers disagree otherwise.
#
# Guess before it was run: resolution is the pixel's size in metres where the file says it, and 0,
# as of an unknown magnification, where it does not; whichever driver opens a tiled TIFF.
# Found: of a slide of 0.25 x 0.5 micrometres the driver GDAL (which AUTO picks) says so, the driver
# SVS says 0. Without a resolution GDAL says 1 metre, and with numbers whose unit is "none" it takes
# these numbers for metres. An OME-TIFF has a metre too unless its name ends in .ome.tif, for AUTO
# goes by names; its own driver says 0.25 micrometres. A test for 0 finds nothing wrong, and a
# resampling to a wanted scale asks for a picture of millions of pixels or of none. Choose the
# driver by name, and bound what is believable.
source "$(dirname "$0")/common.sh"
in_environment slideio==2.10.0 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, slideio, tifffile

picture = numpy.full((600, 700, 3), 200, numpy.uint8)
common = {"tile": (256, 256), "photometric": "rgb", "compression": "lzw"}
tifffile.imwrite(
    "units.tif",
    picture,
    resolution=(40000, 20000),
    resolutionunit="CENTIMETER",
    metadata=None,
    **common,
)
tifffile.imwrite(
    "ratio.tif", picture, resolution=(4, 2), resolutionunit="NONE", metadata=None, **common
)
tifffile.imwrite("silent.tif", picture, metadata=None, **common)
tifffile.imwrite(
    "ome.tif",
    picture,
    ome=True,
    **common,
    metadata={
        "axes": "YXS",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
    },
)


def micrometres(file, driver):
    size = slideio.open_slide(f"./{file}", driver).get_scene(0).resolution
    return tuple(round(float(value) * 1e6, 6) for value in size)


print("slideio", importlib.metadata.version("slideio"), "micrometres a pixel:")
seen = {}
for file, driver in (
    ("units.tif", "AUTO"),
    ("units.tif", "GDAL"),
    ("units.tif", "SVS"),
    ("ratio.tif", "AUTO"),
    ("silent.tif", "AUTO"),
    ("silent.tif", "SVS"),
    ("ome.tif", "AUTO"),
    ("ome.tif", "OMETIFF"),
):
    seen[file, driver] = micrometres(file, driver)
    print(f"{file} by {driver}: {seen[file, driver]}")
assert list(seen.values()) == [
    (0.25, 0.5),
    (0.25, 0.5),
    (0, 0),
    (4e6, 2e6),
    (1e6, 1e6),
    (0, 0),
    (1e6, 1e6),
    (0.25, 0.5),
], seen
PYTHON
