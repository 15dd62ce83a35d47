"""Every format of one mask describes that mask, as Pillow, tifffile, OpenSlide and shapely see it."""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

try:
    import numpy as np
    import ome_zarr_models
    import openslide
    import shapely
    import shapely.geometry
    import tifffile
    import xmlschema
    import yaozarrs
    import zarr
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def labels(rows, cols):
    """As mask_row in patterns.h; 255 is without data."""
    row, col = np.ogrid[:rows, :cols]
    return np.where(row < 5, 255, (row // 10 + col // 7) % 3).astype(np.uint8)


def majority(image, factor, values):
    """The value of most pixels under a reduced one, ties to the first of `values`."""
    counts = []
    for value in values:
        hit = (image == value).astype(np.int64)
        rows = np.add.reduceat(hit, np.arange(0, image.shape[0], factor), 0)
        counts.append(np.add.reduceat(rows, np.arange(0, image.shape[1], factor), 1))
    counts = np.stack(counts)
    return np.where(counts.max(0) > 0, np.array(values)[counts.argmax(0)], 255).astype(np.uint8)


def check_xml(text):
    schema = Path(importlib.util.find_spec("ome_types").submodule_search_locations[0])
    xmlschema.XMLSchema(schema / "ome-2016-06.xsd").validate(text)


def check_tags(page, scale):
    assert page.tilewidth == page.tilelength == 512 and page.compression == 8
    assert page.predictor == 1 and page.photometric == 1 and page.bitspersample == 8
    assert page.colormap is None and "DateTime" not in page.tags
    assert all(size > 0 for size in page.databytecounts)
    unit = page.tags["ResolutionUnit"].value
    assert unit == (1 if scale is None else 3)
    if scale is None:
        return
    for tag, mpp in zip(("XResolution", "YResolution"), scale):
        numerator, denominator = page.tags[tag].value
        assert np.isclose(numerator / denominator, 1e4 / mpp, rtol=1e-8)


def check_levels(pages, full, values, scale):
    factor = 1
    for page in pages:
        expected = full if factor == 1 else majority(full, factor, values)
        assert page.shape == expected.shape
        assert np.array_equal(page.asarray(), expected)
        check_tags(page, scale and [s * factor for s in scale])
        assert page.subfiletype == (1 if factor > 1 else 0)
        factor *= 4


def check_ome(path, full, values, scale):
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and tiff.is_ome and len(tiff.pages) == 1
        series = tiff.series[0]
        assert series.axes == "YX"
        pages = [level.pages[0] for level in series.levels]
        assert len(pages) == 1 + len(tiff.pages[0].tags["SubIFDs"].value)
        check_levels(pages, full, values, scale)
        check_xml(tiff.ome_metadata)
        has_size = "PhysicalSizeX=" in tiff.ome_metadata
        assert has_size == (scale is not None)
        if scale:
            pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]["Pixels"]
            assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == scale
            assert pixels["PhysicalSizeXUnit"] == "µm"


def check_generic(path, full, values, scale):
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and "ImageDescription" not in tiff.pages[0].tags
        check_levels(tiff.pages, full, values, scale)
        levels = len(tiff.pages)
    with openslide.OpenSlide(path) as slide:
        assert slide.level_count == levels
        assert "openslide.bounds-x" not in slide.properties
        seen = np.asarray(slide.read_region((0, 0), 0, slide.dimensions))[..., 0]
        assert np.array_equal(seen, full)
        if scale:
            assert np.isclose(float(slide.properties["openslide.mpp-x"]), scale[0])
            assert np.isclose(float(slide.properties["openslide.mpp-y"]), scale[1])


def rasterize(features, shape, downsample):
    """Pixels whose centre lies inside, row by row with shapely's exact predicates."""
    burnt = np.zeros(shape, np.uint8)
    for number, feature in features:
        polygon = shapely.geometry.shape(feature["geometry"])
        x0, y0, x1, y1 = polygon.bounds
        cols = np.arange(int(x0 / downsample[0]), int(np.ceil(x1 / downsample[0])))
        rows = np.arange(int(y0 / downsample[1]), int(np.ceil(y1 / downsample[1])))
        x, y = np.meshgrid((cols + 0.5) * downsample[0], (rows + 0.5) * downsample[1])
        inside = shapely.contains_xy(polygon, x.ravel(), y.ravel()).reshape(x.shape)
        part = burnt[rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1]
        assert not (part[inside] != 0).any(), "polygons overlap"
        part[inside] = number
    return burnt


def check_geojson(path, mask, names, downsample, scale):
    """`names`: the class of each value of the mask that is drawn."""
    collection = json.loads(path.read_text(encoding="utf-8"))
    features = collection["features"]
    assert collection["type"] == "FeatureCollection" and "crs" not in collection
    assert len({feature["id"] for feature in features}) == len(features)
    area = 0
    for feature in features:
        properties = feature["properties"]
        assert uuid.UUID(feature["id"]).version == 5
        assert properties["objectType"] == ("detection" if len(features) > 5000 else "annotation")
        assert len(properties["classification"]["color"]) == 3
        assert isinstance(properties["measurements"], dict)
        polygon = shapely.geometry.shape(feature["geometry"])
        assert polygon.is_valid, shapely.is_valid_reason(polygon)
        assert polygon.exterior.is_ccw
        area += polygon.area
        if scale:
            um2 = polygon.area * scale[0] * scale[1] / downsample[0] / downsample[1]
            assert np.isclose(properties["measurements"]["Area um^2"], um2, rtol=1e-9)
    drawn = np.isin(mask, list(names))
    pixels = int(drawn.sum()) * downsample[0] * downsample[1]
    assert abs(area - pixels) <= 1e-9 * pixels
    numbers = {name: value for value, name in names.items()}
    burnt = rasterize([(numbers[f["properties"]["classification"]["name"]], f) for f in features],
                      mask.shape, downsample)
    assert np.array_equal(burnt, np.where(drawn, mask, 0))


def four_below(level):
    padded = np.pad(level, ((0, level.shape[0] % 2), (0, level.shape[1] % 2)), "edge")
    return np.stack([padded[i::2, j::2] for i in (0, 1) for j in (0, 1)])


def most_of_four(level):
    """The first in reading order of those that occur most often."""
    parts = four_below(level)
    counts = (parts[:, None] == parts[None]).sum(1)
    return np.take_along_axis(parts, counts.argmax(0)[None], 0)[0]


def mean_of_four(level):
    return ((four_below(level).astype(np.int32).sum(0) + 2) >> 2).astype(np.uint8)


def open_ome_zarr(path, version):
    group = zarr.open_group(str(path), mode="r")
    ome_zarr_models.open_ome_zarr(group, version=version)
    yaozarrs.validate_zarr_store(str(path))
    attributes = dict(group.attrs)
    return group, attributes["ome"] if version == "0.5" else attributes


def check_zarr_levels(group, attributes, full, reduce):
    expected = full
    for dataset in attributes["multiscales"][0]["datasets"]:
        found = group[dataset["path"]][...]
        assert found.dtype == np.uint8 and np.array_equal(found, expected), dataset
        expected = np.stack([reduce(channel) for channel in expected])


def check_zarr_mask(path, version, full, labels_seen, steps):
    group, attributes = open_ome_zarr(path, version)
    check_zarr_levels(group, attributes, full[None], most_of_four)
    colors = {c["label-value"]: c["rgba"] for c in attributes["image-label"]["colors"]}
    assert colors == labels_seen, colors
    assert attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"] == steps


def probabilities(classes, rows, cols):
    """As pattern in patterns.h, in bytes."""
    c, row, col = np.mgrid[:classes, :rows, :cols]
    return ((row * 7 + col * 3 + 50 * c) % 256).astype(np.uint8)


def check_zarr_probability(path, classes, rows, cols):
    group, attributes = open_ome_zarr(path, "0.5")
    check_zarr_levels(group, attributes, probabilities(classes, rows, cols), mean_of_four)
    assert len(attributes["omero"]["channels"]) == classes


def files_under(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check_png(path, expected):
    with Image.open(path) as png:
        assert png.mode == "L" and np.array_equal(np.asarray(png), expected)


def check_tissue(folder):
    label = labels(700, 2900)
    mask = np.where(label == 1, 255, 0).astype(np.uint8)
    check_png(folder / "tissue.mask.png", mask)
    check_ome(folder / "tissue.ome.tif", mask, [0, 255], (2.0, 4.0))
    check_generic(folder / "tissue.tif", mask, [0, 255], (2.0, 4.0))
    check_geojson(folder / "tissue.geojson", mask, {255: "Tissue"}, (4, 8), (2.0, 4.0))
    # A pixel's centre lies in the middle of the 4 x 8 of the slide under it.
    steps = [{"type": "scale", "scale": [1.0, 4.0, 2.0]},
             {"type": "translation", "translation": [0.0, 3.5 * 0.5, 1.5 * 0.5]}]
    check_zarr_mask(folder / "tissue.mask.ome.zarr", "0.5", mask,
                    {0: [0, 0, 0, 0], 255: [0, 200, 0, 255]}, steps)
    check_zarr_probability(folder / "tissue.probability.ome.zarr", 1, 700, 2900)


def check_classes(folder):
    label = labels(700, 900)
    mask = np.where(label == 255, 255, np.array([0, 7, 2], np.uint8)[label % 3]).astype(np.uint8)
    check_png(folder / "classes.mask.png", mask)
    check_ome(folder / "classes.ome.tif", mask, [0, 7, 2], None)
    check_generic(folder / "classes.tif", mask, [0, 7, 2], None)
    check_geojson(folder / "classes.geojson", mask, {7: "tumour & <co>", 2: "Stromä"}, (1, 1), None)
    colors = {0: [0, 0, 0, 0], 7: [200, 0, 0, 255], 2: [0, 0, 0, 255], 255: [0, 0, 0, 0]}
    steps = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    check_zarr_mask(folder / "classes.mask.ome.zarr", "0.5", mask, colors, steps)
    check_zarr_mask(folder / "v04.mask.ome.zarr", "0.4", mask, colors, steps)
    check_zarr_probability(folder / "classes.probability.ome.zarr", 3, 700, 900)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled")
    parser.add_argument("--samples", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([arguments.samples, name], check=True)
        assert not list(folder.glob("*.part"))
        check_tissue(folder)
        check_classes(folder)
        first = files_under(folder)
        subprocess.run([arguments.samples, name], check=True)
        assert first == files_under(folder)


main()
