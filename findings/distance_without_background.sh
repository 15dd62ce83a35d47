#!/usr/bin/env bash
# Distance maps: a tile that is all foreground has a ramp from its corner, or -1, or infinity.
#
# Guess before it was run: with no background there is no distance, so the answer is infinity, or an
# error.
# Found: scipy.ndimage.distance_transform_edt measures from the row above the tile and its first
# column: plausible, finite numbers that grow to the lower right. Its sibling distance_transform_cdt
# gives -1; edt has infinity, OpenCV 3.4e38 and SimpleITK 1.8e19. Distance maps of nuclei or tissue
# that are made tile by tile (for watershed seeds and weights at borders) are wrong exactly in tiles
# inside large objects. Ask mask.all() first, or pad the tile with the neighbours' pixels.
source "$(dirname "$0")/common.sh"
in_environment scipy==1.17.1 opencv-python-headless==5.0.0.93 edt==3.1.2 SimpleITK==2.5.7 \
  numpy==2.4.6 <<'PYTHON'
import cv2, edt, importlib.metadata, numpy, SimpleITK, scipy
from scipy import ndimage

tile = numpy.ones((64, 64), numpy.uint8)
image = SimpleITK.GetImageFromArray(tile)
signed = SimpleITK.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False)
itk_version = importlib.metadata.version("SimpleITK")
maps = {
    f"scipy {scipy.__version__} distance_transform_edt": ndimage.distance_transform_edt(tile),
    f"scipy {scipy.__version__} distance_transform_cdt": ndimage.distance_transform_cdt(tile),
    f"edt {importlib.metadata.version('edt')}": edt.edt(tile),
    f"OpenCV {cv2.__version__} distanceTransform": cv2.distanceTransform(tile, cv2.DIST_L2, 5),
    f"SimpleITK {itk_version} SignedMaurerDistanceMap": SimpleITK.GetArrayFromImage(signed),
}
for title, distances in maps.items():
    print(f"{title}: first {distances[0, 0]:.4g}, last {distances[-1, -1]:.4g}")
euclid, chessboard, exact, opencv, maurer = maps.values()
row, col = numpy.indices(tile.shape)
assert numpy.allclose(euclid, numpy.hypot(row + 1, col)), "the ramp has gone"
assert (chessboard == -1).all()
assert numpy.isinf(exact).all() and (opencv > 1e38).all() and (maurer > 1e18).all()
PYTHON
