#!/usr/bin/env bash
# Drawing annotations: a square of 10 x 10 pixels has 100, 121 or 81, and neighbours share a column.
#
# Guess before it was run: a square whose corners lie on the pixel grid has 100 pixels in every
# library that fills polygons; they differ only where a slanted edge cuts a pixel.
# Found: rasterio and pycocotools draw 100; OpenCV, Pillow and scikit-image draw 121, for to them
# corners are centres of pixels, and two squares that share an edge both own 11 pixels of it. The
# way back: cv2.findContours of a mask of 100 gives an outline of area 81, rasterio's one of 100.
# Moved by half a pixel, rasterio's square goes right but not down. Each trip through OpenCV grows
# or shrinks a nucleus of 10 pixels by a fifth. Shift corners by half a pixel, or keep to one
# library both ways.
source "$(dirname "$0")/common.sh"
in_environment rasterio==1.4.4 pycocotools==2.0.11 opencv-python-headless==5.0.0.93 pillow==13.0.0 \
  scikit-image==0.26.0 shapely==2.2.0 numpy==2.4.6 <<'PYTHON'
import cv2, importlib.metadata, numpy, rasterio.features, shapely
from PIL import Image, ImageDraw
from pycocotools import mask as coco
from skimage.draw import polygon2mask

SHAPE = (40, 40)
print(
    *(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("rasterio", "pycocotools", "opencv-python-headless", "pillow", "scikit-image")
    ),
    sep=", ",
)


def by_rasterio(corners):
    return rasterio.features.rasterize([shapely.Polygon(corners)], out_shape=SHAPE).astype(bool)


def by_coco(corners):
    flat = [float(value) for corner in corners for value in corner]
    return coco.decode(coco.merge(coco.frPyObjects([flat], *SHAPE))).astype(bool)


def by_opencv(corners):
    canvas = numpy.zeros(SHAPE, numpy.uint8)
    cv2.fillPoly(canvas, [numpy.array(corners, numpy.int32)], 1)
    return canvas > 0


def by_pillow(corners):
    canvas = Image.new("1", SHAPE)
    ImageDraw.Draw(canvas).polygon(corners, fill=1)
    return numpy.asarray(canvas)


def by_skimage(corners):
    return polygon2mask(SHAPE, [(y, x) for x, y in corners])


def square(x, y):
    return [(x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10)]


seen = {}
for draw in (by_rasterio, by_coco, by_opencv, by_pillow, by_skimage):
    left, right = draw(square(5, 5)), draw(square(15, 5))
    seen[draw.__name__] = (int(left.sum()), int((left & right).sum()))
    print(f"{draw.__name__}: %d pixels, %d shared with the neighbour" % seen[draw.__name__])
mask = by_rasterio(square(5, 5)).astype(numpy.uint8)
contour = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0][0]
outline = next(rasterio.features.shapes(mask, mask))[0]["coordinates"][0]
back = (cv2.contourArea(contour), shapely.Polygon(outline).area)
print("area of the outline of 100 pixels: OpenCV %g, rasterio %g" % back)
corner = numpy.argwhere(by_rasterio(square(5.5, 5.5)))[0].tolist()
print("rasterio, moved by half a pixel: first row and column", corner)
assert seen == {
    "by_rasterio": (100, 0),
    "by_coco": (100, 0),
    "by_opencv": (121, 11),
    "by_pillow": (121, 11),
    "by_skimage": (121, 11),
}, seen
assert back == (81, 100) and corner == [5, 6]
PYTHON
