#!/usr/bin/env bash
# libvips: a TIFF whose resolution counts in millimetres has pixels 25.4 times too large.
#
# Guess before it was run: tifffile writes ResolutionUnit 4 (millimetre) and 5 (micrometre), which
# are not TIFF's own; a reader that does not know them says that it knows no scale.
# Found: libtiff drops the tag. OpenSlide says "unknown" and no scale. libvips takes the inch that
# stands for a tag that is absent: a pixel of 0.25 um has 6.35 um in millimetres, as a slide of low
# power might, and 6350 um in micrometres. Write centimetres.
source "$(dirname "$0")/common.sh"
in_environment openslide-python==1.4.7 openslide-bin==4.0.1.2 pyvips==3.2.0 pyvips-binary==8.18.7 \
  tifffile==2026.3.3 numpy==2.4.6 <<'PYTHON'
import numpy, openslide, pyvips, tifffile

pixels = numpy.full((512, 512, 3), 200, numpy.uint8)
for unit, um, by_vips in (("centimeter", 1e4, 0.25), ("millimeter", 1e3, 6.35),
                          ("micrometer", 1, 6350)):
    resolution = um / 0.25  # Pixels a unit, for a pixel of 0.25 um.
    name = f"{unit}.tif"  # libvips remembers a file by its name.
    tifffile.imwrite(name, pixels, photometric="rgb", tile=(256, 256), metadata=None,
                     resolution=(resolution, resolution), resolutionunit=unit)
    properties = openslide.OpenSlide(name).properties
    by_openslide = properties.get("openslide.mpp-x"), properties.get("tiff.ResolutionUnit")
    of_vips = 1000 / pyvips.Image.new_from_file(name).xres
    print(f"{unit}: OpenSlide {by_openslide}, libvips {of_vips:.6g} um")
    assert abs(of_vips - by_vips) < 1e-4 * by_vips, "libvips says another scale now"
    expected = ("0.25", "centimeter") if unit == "centimeter" else (None, "unknown")
    assert by_openslide == expected, "OpenSlide says another unit now"
PYTHON
