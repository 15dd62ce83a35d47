#!/usr/bin/env bash
# bioio: the size of a pixel is the file's number, whatever its unit, and the unit is gone.
#
# Guess before it was run: pixels of 250 nm and of 0.25 um have the same size, for both files say the
# same; or the sizes differ and the unit stands beside each.
# Found: 250.0 and 0.25, and `dimension_properties`, which has a place for units, holds none in both.
# A slide whose scanner writes nanometres is a thousand times too large for code that takes the number
# as micrometres: read the unit from the OME-XML itself, or refuse spacings above some micrometres.
source "$(dirname "$0")/common.sh"
in_environment bioio==3.6.0 bioio-ome-tiff==1.4.0 tifffile==2026.3.3 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, tifffile
from bioio import BioImage

print(*(f"{n} {importlib.metadata.version(n)}" for n in ("bioio", "bioio-ome-tiff")), sep=", ")
pixels = numpy.zeros((3, 64, 64), numpy.uint8)


def seen(size, unit):
    name = f"slide{size}.ome.tif"
    facts = {f"PhysicalSize{axis}{end}": v for axis in "XY" for end, v in (("", size), ("Unit", unit))}
    tifffile.imwrite(name, pixels, metadata={"axes": "CYX", **facts})
    with tifffile.TiffFile(name) as file:
        assert f'PhysicalSizeXUnit="{unit}"' in file.ome_metadata
    image = BioImage(name)
    result = (image.physical_pixel_sizes.X, image.dimension_properties.X.unit)
    print(f"the file says {size} {unit}: size {result[0]}, unit {result[1]}")
    return result


assert seen(250.0, "nm") == (250.0, None)
assert seen(0.25, "µm") == (0.25, None)
PYTHON
