#!/usr/bin/env bash
# OME-Zarr: a pyramid that is asked for at a quarter and a sixteenth has halves and quarters.
#
# Guess before it was run: scale_factors=[4, 16] of ome-zarr-py makes levels of a quarter and a
# sixteenth of the side, or an error if only powers of two in a row are supported.
# Found: of a list of numbers only its length is used: [4, 16], [2, 8] and [16, 64] all make levels
# of 2 and 4, without a word; the metadata describe what was written. Dictionaries with the same
# numbers are followed. Version 0.21.0, for Python 3.12 and later, has the same code. For [16, 64]
# the smallest level has 256 times the pixels that were meant, and code that takes level 1 for what
# it asked for sees another magnification. Give dictionaries, and read the scale from the metadata.
source "$(dirname "$0")/common.sh"
in_environment ome-zarr==0.18.0 zarr==3.1.6 numpy==2.4.6 <<'PYTHON'
import importlib.metadata, numpy, zarr
from ome_zarr.writer import write_image

SIDE = 1024
print("ome-zarr", importlib.metadata.version("ome-zarr"), "an image of", SIDE, "pixels a side")


def factors_made(factors):
    """The scale of each level by its metadata, which the shapes confirm."""
    group = zarr.open_group("slide.zarr", mode="w")
    write_image(numpy.zeros((SIDE, SIDE), numpy.uint8), group, axes="yx", scale_factors=factors)
    scales = []
    for dataset in group.attrs["ome"]["multiscales"][0]["datasets"][1:]:
        scale = dataset["coordinateTransformations"][0]["scale"][1]
        assert group[dataset["path"]].shape == (SIDE // scale, SIDE // scale)
        scales.append(scale)
    return scales


for asked in ([2, 4], [4, 16], [2, 8], [16, 64]):
    made = factors_made(list(asked))
    followed = factors_made([{"y": factor, "x": factor} for factor in asked])
    print(f"asked for {asked}: made {made}; as dictionaries {followed}")
    assert made == [2, 4] and followed == asked, (asked, made, followed)
PYTHON
