#!/usr/bin/env bash
# OpenSlide: what an orientation tag does to a tiled TIFF depends on how its tiles are compressed.
#
# Guess before it was run: the tag Orientation = 3 (turned by 180 degrees) is either honoured, so
# that the whole picture is turned, or ignored, so that pixels come as they are stored.
# Found: JPEG tiles come as stored; LZW tiles are turned each in its own place, so the picture is
# neither the stored one nor the turned one but a mosaic. Pillow turns the whole, tifffile turns
# nothing. A slide that a lossless tool rewrites from JPEG to LZW changes its contents in OpenSlide.
# An engineer would strip the tag, or refuse any value but 1, before tiles go to a reader.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 tifffile==2026.3.3 \
  imagecodecs==2026.3.6 pillow==13.0.0 numpy==2.4.6 <<'PYTHON'
import numpy, openslide, tifffile
from PIL import Image

SIDE, TILE = 512, 256
row, col = numpy.mgrid[0:SIDE, 0:SIDE]
stored = numpy.stack([row // 4, col // 4, (row + col) // 8], -1).astype(numpy.uint8) + 60
turned = stored[::-1, ::-1]
mosaic = stored.copy()
for y in range(0, SIDE, TILE):
    for x in range(0, SIDE, TILE):
        mosaic[y : y + TILE, x : x + TILE] = stored[y : y + TILE, x : x + TILE][::-1, ::-1]


def name(pixels):
    for title, wanted in (("stored", stored), ("turned", turned), ("mosaic", mosaic)):
        if numpy.abs(pixels[..., :3].astype(int) - wanted).max() < 8:
            return title
    return "none of them"


seen = {}
for codec, settings in (
    ("lzw", {}),
    ("jpeg", {"compressionargs": {"outcolorspace": "rgb", "level": 95}}),
):
    file = f"{codec}.tif"
    tifffile.imwrite(
        file,
        stored,
        photometric="rgb",
        tile=(TILE, TILE),
        compression=codec,
        extratags=[(274, 3, 1, 3, True)],
        metadata=None,
        **settings,
    )
    whole = openslide.OpenSlide(file).read_region((0, 0), 0, (SIDE, SIDE))
    seen[codec] = (
        name(numpy.asarray(whole)),
        name(numpy.asarray(Image.open(file))),
        name(tifffile.imread(file)),
    )
    print(
        "OpenSlide",
        openslide.__library_version__,
        "on",
        codec,
        "tiles: %s; Pillow: %s; tifffile: %s" % seen[codec],
    )
assert seen["lzw"] == ("mosaic", "turned", "stored"), seen
assert seen["jpeg"] == ("stored", "turned", "stored"), seen
PYTHON
