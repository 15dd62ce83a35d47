#!/usr/bin/env bash
# WhiteIsZero masks: half of the readers give a mask, the others its complement.
#
# Guess before it was run: a grey TIFF whose photometric interpretation is WhiteIsZero comes out of
# each reader as it looks on a screen, or out of each as it is stored.
# Found: OpenSlide, Pillow, OpenCV and libvips turn the values round; tifffile, tiffslide, fastslide
# and slideio give what is stored. So where the file holds 0 for background and 255 for tissue, the
# first four find tissue wherever the others find none, with the right size and type. Software for
# fax and bilevel scans writes such files. Look at the tag before a mask is believed.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 pillow==13.0.0 pyvips==3.2.0 \
  pyvips-binary==8.18.7 opencv-python-headless==5.0.0.93 tifffile==2026.3.3 \
  imagecodecs==2026.3.6 tiffslide==3.0.1 fastslide==0.8.1 slideio==2.10.0 numpy==2.4.6 <<'PYTHON'
import cv2, fastslide, importlib.metadata, numpy, openslide, pyvips, slideio, tifffile, tiffslide
from PIL import Image

SIZE = (512, 512)
mask = numpy.zeros(SIZE, numpy.uint8)
mask[:, :128] = 255
tifffile.imwrite("mask.tif", mask, photometric="miniswhite", tile=(256, 256), compression="zlib")
readers = {
    "openslide-bin": lambda: (
        openslide.OpenSlide("mask.tif").read_region((0, 0), 0, SIZE).convert("L")
    ),
    "pillow": lambda: Image.open("mask.tif"),
    "opencv-python-headless": lambda: cv2.imread("mask.tif", cv2.IMREAD_UNCHANGED),
    "pyvips-binary": lambda: pyvips.Image.new_from_file("mask.tif").numpy(),
    "tifffile": lambda: tifffile.imread("mask.tif"),
    "tiffslide": lambda: tiffslide.TiffSlide("mask.tif").read_region(
        (0, 0), 0, SIZE, as_array=True
    ),
    "fastslide": lambda: (
        fastslide.FastSlide.from_file_path("mask.tif").read_region((0, 0), 0, SIZE).numpy()
    ),
    "slideio": lambda: slideio.open_slide("mask.tif", "SVS").get_scene(0).read_block(),
}
tissue = {}
for package, read in readers.items():
    tissue[package] = float((numpy.asarray(read()) > 127).mean())
    print(
        f"{package} {importlib.metadata.version(package)}: {tissue[package]:.0%} of the pixels set"
    )
assert list(tissue.values()) == [0.75] * 4 + [0.25] * 4, tissue
PYTHON
