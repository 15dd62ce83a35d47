#!/usr/bin/env bash
# Sparse TIFF: a tile that the scanner left out is transparent, black or white, as the reader likes.
#
# Guess before it was run: readers agree on what a tile with a byte count of 0 looks like, most
# likely the background, white, since scanners leave out tiles where they saw only glass.
# Found: OpenSlide gives transparent pixels whose colours are 0, so convert("RGB") gives black;
# tifffile and tiffslide give black; slideio gives white. Glass becomes the darkest thing of the
# slide or the brightest: Otsu's threshold and the mean colour for stain normalisation follow. Ask
# for alpha, or for byte counts, and fill with the background yourself.
source "$(dirname "$0")/common.sh"
in_environment slideio==2.10.0 tiffslide==3.0.1 openslide-python==1.4.7 openslide-bin==4.0.1.2 \
  tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, openslide, slideio, tifffile, tiffslide

tile = numpy.full((256, 256, 3), 180, numpy.uint8)
with tifffile.TiffWriter("sparse.tif") as tiff:
    tiff.write(
        iter([tile, None, tile, tile]),
        shape=(512, 512, 3),
        dtype="uint8",
        tile=(256, 256),
        photometric="rgb",
        compression="lzw",
    )
with tifffile.TiffFile("sparse.tif") as tiff:
    print("byte counts of the tiles:", tiff.pages[0].databytecounts)
    assert tiff.pages[0].databytecounts[1] == 0
slide = openslide.OpenSlide("sparse.tif").read_region((0, 0), 0, (512, 512))
pixels = {
    "OpenSlide": slide.getpixel((300, 100)),
    "OpenSlide, convert": slide.convert("RGB").getpixel((300, 100)),
    "tifffile": tuple(tifffile.imread("sparse.tif")[100, 300].tolist()),
    "tiffslide": tiffslide.TiffSlide("sparse.tif")
    .read_region((0, 0), 0, (512, 512))
    .getpixel((300, 100)),
    "slideio": tuple(
        slideio.open_slide("sparse.tif", "SVS").get_scene(0).read_block()[100, 300].tolist()
    ),
}
for reader, pixel in pixels.items():
    print(f"{reader}: {pixel}")
assert pixels["OpenSlide"] == (0, 0, 0, 0) and pixels["OpenSlide, convert"] == (0, 0, 0)
assert pixels["tifffile"] == (0, 0, 0) and pixels["tiffslide"][:3] == (0, 0, 0)
assert pixels["slideio"] == (255, 255, 255)
PYTHON
