#!/usr/bin/env bash
# pyvips and OpenCV: a slide whose codec is not built in is read as black, without an error.
#
# Guess before it was run: a TIFF with ZSTD or JPEG 2000 tiles, which the wheel's libtiff cannot
# decode, raises an error; in pyvips at the latest with the option fail_on="error".
# Found: pyvips returns zeros of the right size for both, with fail_on "none", "truncated" and
# "error" alike; only "warning" raises. OpenCV returns zeros for JPEG 2000 (for ZSTD it returns
# None). A batch goes through, and every such slide counts as one without tissue. Set
# fail_on="warning", and read a pixel that is known not to be black.
source "$(dirname "$0")/common.sh"
in_environment pyvips==3.2.0 pyvips-binary==8.18.7 opencv-python-headless==5.0.0.93 \
  tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6 <<'PYTHON'
import cv2, numpy, pyvips, tifffile

bright = numpy.full((300, 400, 3), 220, numpy.uint8)
for codec in ("zstd", "jpeg2000"):
    tifffile.imwrite(f"{codec}.tif", bright, photometric="rgb", tile=(256, 256), compression=codec)
    assert tifffile.imread(f"{codec}.tif").mean() == 220
print(
    "libvips", ".".join(str(pyvips.version(part)) for part in range(3)), "OpenCV", cv2.__version__
)


def vips_mean(file, fail_on):
    try:
        return pyvips.Image.new_from_file(file, fail_on=fail_on).avg()
    except pyvips.Error:
        return "error"


seen = {}
for codec in ("zstd", "jpeg2000"):
    seen[codec] = [
        vips_mean(f"{codec}.tif", how) for how in ("none", "truncated", "error", "warning")
    ]
    print(f"{codec}: means by pyvips with fail_on none, truncated, error, warning: {seen[codec]}")
    picture = cv2.imread(f"{codec}.tif", cv2.IMREAD_UNCHANGED)
    seen[codec].append(None if picture is None else picture.mean())
    print(f"{codec}: by OpenCV: {seen[codec][-1]} (tifffile: 220)")
assert seen["zstd"] == [0, 0, 0, "error", None], seen
assert seen["jpeg2000"] == [0, 0, 0, "error", 0], seen
PYTHON
