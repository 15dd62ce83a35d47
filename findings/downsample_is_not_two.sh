#!/usr/bin/env bash
# Pyramids of libvips: what is found at a reduced level lies 45 um beside it.
#
# Guess before it was run: a point found at a reduced level, times the level's downsample, is where
# it lies at level 0, give or take a pixel of that level.
# Found: libvips halves exactly and leaves out what is too much for a whole pixel, level by level,
# so 20,479 pixels are 159 after seven halvings, and a pixel of that level still covers 128.
# OpenSlide and tiffslide divide the sizes instead, of width and height, and take the mean: 128.9. A
# nucleus near the right border that is found at the smallest level is placed a pixel of that level
# (over 100 of level 0) beside itself, and read_region shows it that far from where it was asked
# for. Nothing is wrong near the upper left corner, where one looks first. Round the downsample to
# the power of two when the file is libvips', or bring sides to a multiple of it before converting.
source "$(dirname "$0")/common.sh"
in_environment pyvips==3.2.0 pyvips-binary==8.18.7 openslide-python==1.4.7 \
  openslide-bin==4.0.1.2 tiffslide==3.0.1 tifffile==2026.3.3 imagecodecs==2026.3.6 \
  zarr==3.1.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, openslide, pyvips, tiffslide

WIDTH, HEIGHT, SIDE, UM_PER_PIXEL = 20479, 15359, 512, 0.25
LEFT, TOP = 19456, 14336
slide = pyvips.Image.black(WIDTH, HEIGHT, bands=3) + 235
nucleus = pyvips.Image.black(SIDE, SIDE, bands=3) + 60
slide.insert(nucleus, LEFT, TOP).cast("uchar").tiffsave(
    "slide.tif",
    tile=True,
    tile_width=256,
    tile_height=256,
    pyramid=True,
    compression="deflate",
    xres=1000 / UM_PER_PIXEL,
    yres=1000 / UM_PER_PIXEL,
)
print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)))


def middle_of_dark(picture):
    rows, cols = numpy.nonzero(numpy.asarray(picture.convert("RGB"))[..., 1] < 150)
    return cols.mean() + 0.5, rows.mean() + 0.5


true = (LEFT + SIDE / 2, TOP + SIDE / 2)
readers = {"openslide-python": openslide.OpenSlide, "tiffslide": tiffslide.TiffSlide}
for package, opener in readers.items():
    reader = opener("slide.tif")
    last = reader.level_count - 1
    downsample = reader.level_downsamples[last]
    size = reader.level_dimensions[last]
    print(f"{package} {importlib.metadata.version(package)}: level {last} of {size} pixels has the",
          f"downsample {downsample:.2f}; halved {last} times: {2**last}")
    found = middle_of_dark(reader.read_region((0, 0), last, size))
    off = [at * downsample - there for at, there in zip(found, true)]
    halved_off = [at * 2**last - there for at, there in zip(found, true)]
    corner = (LEFT - 8 * 2**last, TOP - 8 * 2**last)
    in_region = middle_of_dark(reader.read_region(corner, last, (14, 14)))
    print("  the nucleus is placed %.0f and %.0f pixels of level 0 beside itself;" % tuple(off),
          f"{numpy.hypot(*off) * UM_PER_PIXEL:.0f} um; by {2**last}: %.0f and %.0f"
          % tuple(halved_off))
    print("  in a region with it in the middle, (10, 10), it is at (%.1f, %.1f)" % in_region)
    assert size == (WIDTH // 2**last, HEIGHT // 2**last) and last == 7, (size, last)
    assert abs(downsample - 128.93) < 0.01, downsample
    assert min(off) > 90 and max(map(abs, halved_off)) < 4, (off, halved_off)
    assert min(in_region) > 10.7, in_region
PYTHON
