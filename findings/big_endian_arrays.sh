#!/usr/bin/env bash
# Zarr in big-endian order: OpenCV, edt, rasterio and others swap its bytes in silence.
#
# Guess before it was run: zarr-python hands out the machine's byte order whatever the file has, or
# the library that gets another order converts it or raises an error.
# Found: an array of the type ">u2", which converters that are written in Java like, comes out of
# zarr-python as ">u2". Its 5 is 1280 to OpenCV (minMaxLoc, threshold, blur), to rasterio's shapes,
# to TensorStore's array and to imagecodecs' JPEG 2000; edt finds distances of 0 everywhere.
# Printed, the array looks right. Labels get other numbers, and a threshold has another mask. Call
# array.astype(array.dtype.newbyteorder("=")) wherever pixels enter.
source "$(dirname "$0")/common.sh"
in_environment zarr==3.1.6 numpy==2.4.6 opencv-python-headless==5.0.0.93 edt==3.1.2 \
  rasterio==1.4.4 tensorstore==0.1.86 imagecodecs==2026.3.6 <<'PYTHON'
import cv2, edt, imagecodecs, importlib.metadata, numpy, rasterio.features, tensorstore, zarr

labels = numpy.zeros((8, 12), numpy.uint16)
labels[2:6, 3:9] = 5
stored = zarr.create_array(
    "labels.zarr", shape=labels.shape, chunks=labels.shape, dtype=">u2", zarr_format=2
)
stored[:] = labels
read = zarr.open_array("labels.zarr", mode="r")[:]
print(
    "zarr-python", zarr.__version__, "gives", read.dtype.str, "with the largest value", read.max()
)
assert read.dtype.str == ">u2" and numpy.array_equal(read, labels)


def tensorstore_of(array):
    return tensorstore.array(array).read().result().max()


def jpeg2000_of(array):
    return imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(array, level=0)).max()


views = {
    ("opencv-python-headless", "largest value"): lambda array: cv2.minMaxLoc(array)[1],
    ("opencv-python-headless", "pixels above 100"): lambda array: cv2.countNonZero(
        cv2.threshold(array, 100, 1, cv2.THRESH_BINARY)[1]
    ),
    ("edt", "largest distance"): lambda array: edt.edt(array).max(),
    ("rasterio", "largest class"): lambda array: max(
        value for _, value in rasterio.features.shapes(array)
    ),
    ("tensorstore", "largest value"): tensorstore_of,
    ("imagecodecs", "largest value"): jpeg2000_of,
}
seen = {}
for (package, what), view in views.items():
    seen[package, what] = (float(view(labels)), float(view(read)))
    print(
        f"{package} {importlib.metadata.version(package)}, {what}: %g of the native array, %g of "
        "zarr-python's" % seen[package, what]
    )
assert list(seen.values()) == [(5, 1280), (0, 24), (2, 0), (5, 1280), (5, 1280), (5, 1280)], seen
PYTHON
