#!/usr/bin/env bash
# slideio: a slide in CZI comes with red and blue exchanged, the same slide in TIFF does not.
#
# Guess before it was run: slideio gives RGB for every format, since read_block says nothing of an
# order and a caller does not see which driver read.
# Found: CZI keeps colour pixels as blue, green, red; slideio hands them on so for CZI, and says
# "Channel:0:1" to "Channel:0:3" of them. TIFF and SVS come as red, green, blue. czifile turns the
# same CZI into RGB; pylibCZIrw gives BGR and says so. Asked once (issue 13), slideio's author
# answered that it reads pixels as they are stored. A set of slides of both formats has pink tissue
# and blue, which stain normalisation and colour augmentation hide. Look at a pixel of eosin per
# format, and give channel_indices=[2, 1, 0] for CZI.
source "$(dirname "$0")/common.sh"
in_environment slideio==2.10.0 pylibCZIrw==6.1.0 czifile==2019.7.2.3 tifffile==2026.3.3 \
  imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import czifile, importlib.metadata, numpy, slideio, tifffile
from pylibCZIrw import czi

EOSIN = (236, 150, 190)  # red, green, blue
picture = numpy.full((300, 400, 3), EOSIN, numpy.uint8)
with czi.create_czi("slide.czi", compression_options="uncompressed:") as file:
    file.write(data=numpy.ascontiguousarray(picture[..., ::-1]), location=(0, 0))
    file.write_metadata(document_name="slide", scale_x=0.25e-6, scale_y=0.25e-6)
tifffile.imwrite("slide.tif", picture, photometric="rgb", tile=(256, 256))


def by_slideio(path, driver):
    return slideio.open_slide(path, driver).get_scene(0).read_block()[5, 5]


with czi.open_czi("slide.czi") as file:
    kind = file.get_channel_pixel_type(0)
    zeiss = file.read()[5, 5]
seen = {
    f"pylibCZIrw, which says {kind}": zeiss,
    "czifile": czifile.imread("slide.czi").reshape(300, 400, 3)[5, 5],
    "slideio, CZI": by_slideio("slide.czi", "CZI"),
    "slideio, TIFF": by_slideio("slide.tif", "GDAL"),
}
print("slideio", importlib.metadata.version("slideio"), "a pixel of red, green, blue", EOSIN)
for title, pixel in seen.items():
    print(f"{title}: {pixel}")
assert kind == "Bgr24", kind
turned = [tuple(map(int, pixel)) == EOSIN[::-1] for pixel in seen.values()]
straight = [tuple(map(int, pixel)) == EOSIN for pixel in seen.values()]
assert turned == [True, False, True, False] and straight == [False, True, False, True], seen
PYTHON
