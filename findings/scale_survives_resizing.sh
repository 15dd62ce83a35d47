#!/usr/bin/env bash
# A slide that libvips made four times smaller is still said to have 0.25 um a pixel.
#
# Guess before it was run: an Aperio slide of 0.25 um a pixel that pyvips resizes by 1/4 and saves
# as a tiled TIFF has 1 um a pixel for every reader, or says nothing of its scale.
# Found: tiffsave writes the old ImageDescription, "Aperio ... MPP = 0.25", below the new pixels, so
# OpenSlide takes the file for an Aperio slide of 0.25 um a pixel. Whoever asks for 0.5 um gets
# pixels of 2 um, with the right size and no word. The sizes in brackets in the same text are the
# old ones: compare them with the image, or remove "image-description" before saving.
source "$(dirname "$0")/common.sh"
in_environment pyvips==3.2.0 pyvips-binary==8.18.7 openslide-python==1.4.7 \
  openslide-bin==4.0.1.2 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, openslide, pyvips, tifffile

for package in ("pyvips", "pyvips-binary", "openslide-bin"):
    print(f"{package} {importlib.metadata.version(package)}")
pixels = numpy.random.default_rng(0).integers(0, 255, (1024, 2048, 3), numpy.uint8)
tifffile.imwrite(
    "slide.svs", pixels, tile=(256, 256), compression="zlib", photometric="rgb", metadata=None,
    description="Aperio Image Library v11.2.1\r\n"
    "2048x1024 [0,0 2048x1024] (256x256) RAW|AppMag = 40|MPP = 0.2500",
)
image = pyvips.Image.new_from_file("slide.svs").resize(0.25)
image.tiffsave("small.tif", tile=True, compression="deflate")
for name in ("slide.svs", "small.tif"):
    slide = openslide.OpenSlide(name)
    print(f"{name}: {slide.dimensions}, {slide.properties[openslide.PROPERTY_NAME_MPP_X]} um a "
          f"pixel, format {slide.properties[openslide.PROPERTY_NAME_VENDOR]}")
assert slide.dimensions == (512, 256)
assert slide.properties[openslide.PROPERTY_NAME_VENDOR] == "aperio"
assert float(slide.properties[openslide.PROPERTY_NAME_MPP_X]) == 0.25
PYTHON
