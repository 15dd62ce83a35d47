#!/usr/bin/env bash
# OpenSlide: a CZI file that Zeiss' own library wrote is not opened.
#
# Guess before it was run: a CZI of one picture of 400 x 300 pixels in 24-bit BGR, written with the
# library of the format's owner, is a slide of that size; OpenSlide reads CZI since 4.0.0.
# Found: pylibCZIrw says of each tile that it is at focal plane 0 and time 0, of one each. OpenSlide
# knows the dimensions X, Y, C, M and S alone and refuses every other, whatever its size; czifile and
# pylibCZIrw read the file. What a scanner wrote is opened, what was cropped or converted with the
# library is not: write OME-TIFF for programs that use OpenSlide.
source "$(dirname "$0")/common.sh"
in_environment pylibCZIrw==6.1.0 czifile==2019.7.2.3 openslide-python==1.4.7 \
  openslide-bin==4.0.1.2 numpy==2.4.6 imagecodecs==2026.3.6 tifffile==2026.3.3 <<'PYTHON'
import czifile, numpy, openslide
from pylibCZIrw import czi

picture = numpy.full((300, 400, 3), (200, 120, 40), numpy.uint8)
with czi.create_czi("slide.czi") as file:
    file.write(data=picture, location=(0, 0))
    file.write_metadata(document_name="slide", scale_x=0.25e-6, scale_y=0.25e-6)
with czi.open_czi("slide.czi") as file:
    print("pylibCZIrw:", file.total_bounding_box)
    assert (file.read() == picture).all()
with czifile.CziFile("slide.czi") as file:
    print("czifile:", file.axes, file.shape)
    assert file.shape == (1, 1, 1, 1, 300, 400, 3)
print("OpenSlide", openslide.__library_version__, "takes it for:",
      openslide.OpenSlide.detect_format("slide.czi"))
assert openslide.OpenSlide.detect_format("slide.czi") == "zeiss"
try:
    opened = openslide.OpenSlide("slide.czi")
    print("and opens it:", opened.dimensions)
    raise SystemExit("OpenSlide opens it now")
except openslide.OpenSlideError as error:
    print("and does not open it:", error)
    assert "subblock dimension" in str(error)
PYTHON
