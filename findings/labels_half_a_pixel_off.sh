#!/usr/bin/env bash
# OME-Zarr: the levels of labels lie half a pixel beside those of the image, at the same place by
# their metadata.
#
# Guess before it was run: an image and its labels that one library reduces and describes coincide
# at each level, within rounding.
# Found: ome-zarr-py writes a translation of half a pixel to each level of both, right for the
# image, whose levels are means. The labels' levels hold the last of 2 x 2, 4 x 4 ... pixels: at a
# sixteenth they lie, by their metadata, 7.5 pixels of level 0 to the upper left of the truth and of
# the image. Version 0.21.0, for Python 3.12 and later, has the same code. A model that is trained,
# or a Dice that is measured, at a reduced level has this as a shift that no eye notices. Reduce
# labels about the middle of each block yourself, or read level 0.
source "$(dirname "$0")/common.sh"
in_environment ome-zarr==0.18.0 zarr==3.1.6 numpy==2.4.6 scikit-image==0.26.0 <<'PYTHON'
import importlib.metadata, numpy, zarr
from ome_zarr.writer import write_image, write_labels

SIDE, ROW, COL = 1024, 420.5, 610.5
rows, cols = numpy.indices((SIDE, SIDE))
disc = numpy.hypot(rows - ROW, cols - COL) < 300
group = zarr.open_group("slide.zarr", mode="w")
write_image((disc * 200).astype(numpy.uint8), group, axes="yx")
write_labels(disc.astype(numpy.uint8), group, name="tumour", axes="yx")
print("ome-zarr", importlib.metadata.version("ome-zarr"))


def places(multiscale):
    """Where the middle of the disc lies by each level's own metadata, beside the truth."""
    attributes = dict(multiscale.attrs)
    for dataset in attributes.get("ome", attributes)["multiscales"][0]["datasets"]:
        steps = {step["type"]: step[step["type"]] for step in dataset["coordinateTransformations"]}
        level = multiscale[dataset["path"]][:].astype(float)
        middle = [(level * index).sum() / level.sum() for index in numpy.indices(level.shape)]
        shift = steps.get("translation", [0, 0])
        at = [m * scale + by for m, scale, by in zip(middle, steps["scale"], shift)]
        yield steps["scale"][1], shift[1], at[0] - ROW, at[1] - COL


group = zarr.open_group("slide.zarr", mode="r")
off = {}
for title, multiscale in (("image", group), ("labels", group["labels/tumour"])):
    for scale, shift, row, col in places(multiscale):
        print(f"{title}, level of {scale:g}, translation {shift:g}: the disc is {row:+.2f}, "
              f"{col:+.2f} pixels of level 0 beside itself by the metadata")
        off[title, scale] = row, col
assert max(abs(value) for scale in (2, 4, 8, 16) for value in off["image", scale]) < 0.2, off
for scale in (2, 4, 8, 16):
    assert numpy.allclose(off["labels", scale], -(scale - 1) / 2, atol=0.8), off
assert max(off["labels", 16]) < -6.5, off
PYTHON
