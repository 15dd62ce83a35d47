#!/usr/bin/env bash
# slideio: beyond the border comes what the encoder put into the last tiles' padding.
#
# Guess before it was run: a block that reaches over the border has one fill colour out there, as
# OpenSlide (transparent), tiffslide and cuCIM (black) have.
# Found: where the last tile reaches, the padding that TIFF says is no part of the image; past that
# tile, and left of or above the image, white. Here padding is red; encoders mostly repeat the last
# pixel or leave zeros, and JPEG smears tissue into it. Patches at the border differ by encoder, and
# tissue that is not there is found in them. Cut blocks to the scene's size.
source "$(dirname "$0")/common.sh"
in_environment slideio==2.10.0 tiffslide==3.0.1 tifffile==2026.3.3 imagecodecs==2026.3.6 \
  numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, slideio, tifffile, tiffslide

SIDE, TILE = 300, 256
image = numpy.full((SIDE, SIDE, 3), 120, numpy.uint8)


def padded_tiles():
    for y in range(0, SIDE, TILE):
        for x in range(0, SIDE, TILE):
            tile = numpy.full((TILE, TILE, 3), (255, 0, 0), numpy.uint8)
            part = image[y : y + TILE, x : x + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            yield tile


with tifffile.TiffWriter("slide.tif") as tiff:
    tiff.write(
        padded_tiles(),
        shape=image.shape,
        dtype="uint8",
        tile=(TILE, TILE),
        photometric="rgb",
        compression="lzw",
    )
scene = slideio.open_slide("slide.tif", "SVS").get_scene(0)
print("slideio", importlib.metadata.version("slideio"), "scene", scene.size)
block = scene.read_block((-20, -20, 620, 620))
region = tiffslide.TiffSlide("slide.tif").read_region((-20, -20), 0, (620, 620), as_array=True)
seen = {}
for title, at in (
    ("inside", 200),
    ("left of it", 10),
    ("last tile's padding", 400),
    ("past it", 600),
):
    seen[title] = (block[100, at].tolist(), region[100, at].tolist())
    print(f"{title}: slideio {seen[title][0]}, tiffslide {seen[title][1]}")
assert seen["inside"] == ([120] * 3, [120] * 3)
assert seen["left of it"] == ([255] * 3, [0] * 3)
assert seen["last tile's padding"] == ([255, 0, 0], [0] * 3), "padding is hidden now"
assert seen["past it"] == ([255] * 3, [0] * 3)
PYTHON
