#!/usr/bin/env bash
# Hausdorff distances: MedPy and others disagree about the same two masks by any amount, both ways.
#
# Guess before it was run: the distance of two masks is one number, and its 95th percentile differs
# by the way of interpolation, by a pixel at most.
# Found: a false spot far away, 3 x 3 pixels beside an object of 40 x 40: MedPy's hd95 is 0 and
# surface-distance's is 29, for MedPy takes the percentile of both directions' distances together
# and the other the larger of two percentiles. A solid object and a ring: MedPy's hd is 4, that of
# scikit-image and SimpleITK is 15, for the first measures between borders and these between all
# pixels. No number from one can be set beside a number from the other: name the library with the
# figure.
source "$(dirname "$0")/common.sh"
in_environment medpy==0.5.2 surface-distance==0.1 scikit-image==0.26.0 SimpleITK==2.5.7 \
  scipy==1.17.1 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, SimpleITK, surface_distance
from medpy.metric.binary import hd, hd95
from skimage.metrics import hausdorff_distance

print(
    *(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("medpy", "surface-distance", "scikit-image", "SimpleITK")
    ),
    sep=", ",
)
solid = numpy.zeros((100, 100), bool)
solid[20:60, 20:60] = True
spotted = solid.copy()
spotted[80:83, 80:83] = True
ring = solid.copy()
ring[25:55, 25:55] = False


def by_itk(a, b):
    measure = SimpleITK.HausdorffDistanceImageFilter()
    measure.Execute(*(SimpleITK.GetImageFromArray(mask.astype(numpy.uint8)) for mask in (a, b)))
    return measure.GetHausdorffDistance()


surfaces = surface_distance.compute_surface_distances(solid, spotted, (1, 1))
percentile = (hd95(solid, spotted), surface_distance.compute_robust_hausdorff(surfaces, 95))
print("95th percentile, with a false spot: MedPy %.1f, surface-distance %.1f" % percentile)
whole = (hd(solid, ring), hausdorff_distance(solid, ring), by_itk(solid, ring))
print("largest, solid against ring: MedPy %.1f, scikit-image %.1f, SimpleITK %.1f" % whole)
assert percentile[0] == 0 and 28 < percentile[1] < 30, percentile
assert whole == (4, 15, 15), whole
PYTHON
