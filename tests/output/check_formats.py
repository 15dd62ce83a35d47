"""Masks and probabilities as others see them: Pillow, tifffile and OpenSlide."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import openslide
    import tifffile
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def pattern(rows, cols, classes):
    c, row, col = np.ogrid[:classes, :rows, :cols]
    return ((row * 7 + col * 3 + c * 50) % 256).astype(np.uint8)


def mask(rows, cols):
    row, col = np.ogrid[:rows, :cols]
    return np.where(row < 5, 0, (row // 10 + col // 7) % 3).astype(np.uint8)


def reduced(image, factor):
    """Rounded means of factor x factor blocks; those at the edge are cut."""
    rows = np.add.reduceat(image.astype(np.int64), np.arange(0, image.shape[0], factor), 0)
    sums = np.add.reduceat(rows, np.arange(0, image.shape[1], factor), 1)
    ones = np.ones(image.shape, np.int64)
    count = np.add.reduceat(np.add.reduceat(ones, np.arange(0, image.shape[0], factor), 0),
                            np.arange(0, image.shape[1], factor), 1)
    return ((sums + count // 2) // count).astype(np.uint8)


def check_masks(folder):
    with Image.open(folder / "binary.png") as png:
        assert png.mode == "L" and png.size == (102, 76)
        assert np.array_equal(np.asarray(png), np.where(mask(76, 102) > 0, 255, 0))
        assert png.text == {"untiled:downsample": "4", "untiled:origin": "qupath",
                            "untiled:classes": "0=background,255=tissue"}
        # pHYs is in pixels per metre, Pillow's dpi in pixels per inch.
        assert np.allclose(png.info["dpi"], 0.0254 * 1e6 / 8.0)
    with Image.open(folder / "classes.png") as png:
        assert png.mode == "L" and "dpi" not in png.info
        values = np.array([0, 7, 2], np.uint8)[mask(301, 407)]
        values[:5] = 255  # without data
        assert np.array_equal(np.asarray(png), values)
        assert png.text["untiled:classes"] == "0=glass,7=tumour,2=Strom_"
        assert png.text["untiled:origin"] == "openslide"


def check_page(page, shape, scale, dtype):
    assert page.shape == shape and page.dtype == dtype
    assert page.tilewidth == page.tilelength == 512 and page.is_tiled
    assert page.compression == 8 and page.predictor == 1 and page.photometric == 1
    assert all(size > 0 for size in page.databytecounts)
    assert "DateTime" not in page.tags and page.colormap is None
    if scale is None:
        assert page.tags["ResolutionUnit"].value == 1
        return
    assert page.tags["ResolutionUnit"].value == 3
    for tag, mpp in zip(("XResolution", "YResolution"), scale):
        numerator, denominator = page.tags[tag].value
        assert np.isclose(numerator / denominator, 1e4 / mpp, rtol=1e-8)


def check_pyramid(path, shape, scale, factors):
    full = pattern(*shape, 1)[0]
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and len(tiff.pages) == 1 + len(factors)
        # tifffile takes an image of one row for no level.
        assert min(shape) < 16 or len(tiff.series[0].levels) == len(tiff.pages)
        check_page(tiff.pages[0], shape, scale, np.uint8)
        assert tiff.pages[0].subfiletype == 0
        assert np.array_equal(tiff.pages[0].asarray(), full)
        for page, factor in zip(tiff.pages[1:], factors):
            expected = reduced(full, factor)
            check_page(page, expected.shape, scale and [s * factor for s in scale], np.uint8)
            assert page.subfiletype == 1
            assert np.array_equal(page.asarray(), expected)


def check_floats(path, shape, classes, scale):
    expected = pattern(*shape, classes).astype(np.float32) / np.float32(255)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and len(tiff.pages) == 1
        image = tiff.pages[0].asarray()
        check_page(tiff.pages[0], image.shape, scale, np.float32)
    assert np.array_equal(image, expected if classes > 1 else expected[0])


def check_classes(path):
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.planarconfig == 2 and page.extrasamples == (0, 0)
        assert tiff.series[0].axes == "SYX"
        assert np.array_equal(page.asarray(), pattern(700, 900, 3))
        assert np.array_equal(tiff.pages[1].asarray(),
                              np.stack([reduced(plane, 4) for plane in pattern(700, 900, 3)]))


def check_openslide(path):
    full = pattern(2967, 2220, 1)[0]
    with openslide.OpenSlide(path) as slide:
        assert slide.level_dimensions == ((2220, 2967), (555, 742), (139, 186))
        assert abs(float(slide.properties["openslide.mpp-x"]) - 0.499) < 1e-6
        assert abs(float(slide.properties["openslide.mpp-y"]) - 0.25) < 1e-6
        assert "openslide.bounds-x" not in slide.properties
        part = np.asarray(slide.read_region((1900, 2700), 0, (320, 267)))
        assert np.array_equal(part[..., 0], full[2700:2967, 1900:2220])
        level = np.asarray(slide.read_region((0, 0), 1, (555, 742)))
        assert np.array_equal(level[..., 1], reduced(full, 4))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled")
    parser.add_argument("--samples", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([arguments.samples, name], check=True)
        assert not list(folder.glob("*.part"))
        check_masks(folder)
        check_pyramid(folder / "bytes.tif", (2967, 2220), (0.499, 0.25), [4, 16])
        check_pyramid(folder / "pixel.tif", (1, 1), None, [])
        check_pyramid(folder / "line.tif", (3, 5000), (0.499, 0.25), [4, 16])
        check_floats(folder / "floats.tif", (1037, 611), 1, (0.499, 0.25))
        check_floats(folder / "three_floats.tif", (513, 40), 3, None)
        check_classes(folder / "three.tif")
        check_openslide(folder / "bytes.tif")


main()
