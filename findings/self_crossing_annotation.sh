#!/usr/bin/env bash
# Annotations that cross themselves: one outline has three areas within Shapely.
#
# Guess before it was run: area, buffer(0) and make_valid may differ where an outline crosses
# itself, but those two that repair it agree with each other.
# Found: 1500 by area (what is wound twice counts twice), 1200 by buffer(0) and by make_valid with
# method="structure" (the union), 900 by make_valid as it is called by default and by rasterio (what
# is wound twice is a hole). A bow tie is the other way round: area 0, buffer(0) drops one half and
# gives 25, make_valid 50. Brush and freehand strokes cross themselves often: tumour area, cell
# density and the mask that is trained on depend on the call. Choose the rule of the viewer that the
# annotator saw, and test it on a stroke like this one.
source "$(dirname "$0")/common.sh"
in_environment shapely==2.2.0 rasterio==1.4.4 numpy==2.4.6 <<'PYTHON'
import rasterio, rasterio.features, shapely

outlines = {
    "stroke over itself": [
        (0, 0),
        (30, 0),
        (30, 30),
        (10, 30),
        (10, 10),
        (40, 10),
        (40, 20),
        (20, 20),
        (20, 40),
        (0, 40),
    ],
    "bow tie": [(0, 0), (10, 10), (10, 0), (0, 10)],
}
print(
    "shapely",
    shapely.__version__,
    "GEOS",
    shapely.geos_version_string,
    "rasterio",
    rasterio.__version__,
)
areas = {}
for title, corners in outlines.items():
    outline = shapely.Polygon(corners)
    areas[title] = [
        outline.area,
        outline.buffer(0).area,
        shapely.make_valid(outline).area,
        shapely.make_valid(outline, method="structure").area,
        int(rasterio.features.rasterize([outline], out_shape=(50, 50)).sum()),
    ]
    print(
        f"{title}: area %g, buffer(0) %g, make_valid %g, by structure %g, rasterio's pixels %g"
        % tuple(areas[title])
    )
assert areas["stroke over itself"] == [1500, 1200, 900, 1200, 900], areas
assert areas["bow tie"][:4] == [0, 25, 50, 50], areas
PYTHON
