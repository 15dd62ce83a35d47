"""Synthetic slides, judged by OpenSlide, tifffile and Pillow."""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import openslide
import tifffile
from PIL import Image, ImageFilter

ROWS, COLUMNS, MPP = 4096, 6000, 0.25


def make(untiled, folder, seed, texture=None):
    slide = folder / f"seed{seed}.tif"
    command = [untiled, "synth", "--size", f"{ROWS}x{COLUMNS}", "--seed", str(seed)]
    command += ["--out", str(slide), "--json"]
    if texture:
        command += ["--texture", str(texture)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert report["rows"] == ROWS and report["columns"] == COLUMNS
    return slide, report


def check_openslide(slide, pixels):
    with openslide.OpenSlide(str(slide)) as reader:
        assert reader.properties["openslide.vendor"] == "generic-tiff"
        assert abs(float(reader.properties["openslide.mpp-x"]) - MPP) < 1e-9
        assert abs(float(reader.properties["openslide.mpp-y"]) - MPP) < 1e-9
        assert reader.level_dimensions == ((6000, 4096), (1500, 1024), (375, 256))
        crop = np.asarray(reader.read_region((2900, 1900), 0, (700, 500)))
        assert (crop[..., 3] == 255).all()
        difference = crop[..., :3].astype(int) - pixels[1900:2400, 2900:3600]
        assert np.abs(difference).max() <= 40 and np.abs(difference).mean() < 1.5, difference
        reduced = np.asarray(reader.read_region((0, 0), 1, (1500, 1024)))[..., :3].astype(float)
    mean = pixels.reshape(1024, 4, 1500, 4, 3).mean((1, 3))
    # JPEG costs 2 grey levels; a shift of one pixel would cost 3.5.
    assert np.abs(reduced - mean).mean() < 2.8 and abs((reduced - mean).mean()) < 0.3


def check_tifffile(slide):
    with tifffile.TiffFile(slide) as file:
        assert file.is_bigtiff and len(file.pages) == 3
        for level, page in enumerate(file.pages):
            assert page.tilewidth == page.tilelength == 256
            assert page.compression.name == "JPEG" and page.photometric.name == "YCBCR"
            assert page.tags["NewSubfileType"].value == (1 if level else 0)
            numerator, denominator = page.tags["XResolution"].value
            assert page.tags["ResolutionUnit"].value == 3
            assert abs(1e4 * denominator / numerator - MPP * 4**level) < 1e-9
            assert "DateTime" not in page.tags
        return file.pages[0].asarray()


def otsu(grey):
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    weights, sums = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (sums[-1] * weights / weights[-1] - sums) ** 2 / (weights * (weights[-1] - weights))
    return grey <= np.nanargmax(spread)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def check_otsu(pixels, mask):
    thumbnail = Image.fromarray(pixels).convert("L").resize((COLUMNS // 16, ROWS // 16), Image.BOX)
    found = otsu(np.asarray(thumbnail.filter(ImageFilter.MedianFilter(5))))
    truth = np.asarray(mask.resize(thumbnail.size, Image.NEAREST)) > 127
    score = dice(found, truth)
    print(f"Otsu Dice {score:.3f}")
    assert 0.5 < score < 0.95


def check_tiles(slide, truth):
    digests = []
    with tifffile.TiffFile(slide) as file, open(slide, "rb") as stream:
        page = file.pages[0]
        across = -(-COLUMNS // 256)
        for i, (offset, size) in enumerate(zip(page.dataoffsets, page.databytecounts)):
            top, left = i // across * 256, i % across * 256
            if truth[top : top + 256, left : left + 256].any():
                stream.seek(offset)
                digests.append(hashlib.sha256(stream.read(size)).digest())
    assert len(digests) > 50 and len(set(digests)) >= 0.9 * len(digests)


def check_colours(pixels, truth):
    """Pale tissue is pinker than glass, ink is dark and not pink."""
    redness = pixels[..., 0].astype(int) - pixels[..., 1]
    light = pixels.min(2)
    pale = truth & (light > 185)
    assert pale.sum() > 0.05 * truth.sum(), pale.sum() / truth.sum()
    assert redness[pale].mean() > redness[~truth].mean() + 5
    ink = ~truth & (pixels.max(2) < 190)
    assert 0.001 < ink.mean() < 0.1
    assert redness[ink].mean() < 5


def check_slide(untiled, folder, seed, texture=None):
    slide, report = make(untiled, folder, seed, texture)
    pixels = check_tifffile(slide)
    assert pixels.shape == (ROWS, COLUMNS, 3)
    check_openslide(slide, pixels)
    mask = Image.open(folder / f"seed{seed}.mask.png")
    assert mask.mode == "L" and mask.size == (COLUMNS, ROWS)
    assert mask.text["untiled:downsample"] == "1"
    values = np.asarray(mask)
    assert set(np.unique(values)) == {0, 255}
    truth = values == 255
    assert truth.mean() >= 0.2 and abs(truth.mean() - report["tissue_fraction"]) < 1e-12
    assert report["sections"] >= 2
    check_otsu(pixels, mask)
    check_tiles(slide, truth)
    check_colours(pixels, truth)


def check_refusals(untiled, folder):
    def exit_code(*arguments):
        result = subprocess.run([untiled, "synth", *arguments], stderr=subprocess.PIPE)
        assert result.stderr.decode().count("\n") >= 1
        return result.returncode

    out = str(folder / "refused.tif")
    assert exit_code("--size", "12x", "--out", out) == 2
    assert exit_code("--size", "12x4000", "--out", out) == 2
    assert exit_code("--size", "512x512", "--out", str(folder / "refused.png")) == 2
    assert exit_code("--size", "512x512", "--out", out, "--mpp", "264.58") == 2
    assert exit_code("--size", "512x512", "--out", out, "--texture", str(folder / "none.svs")) == 3
    assert not list(folder.glob("refused*"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled", required=True)
    parser.add_argument("--texture", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if not pathlib.Path(arguments.untiled).exists():
        print(f"SKIPPED: no {arguments.untiled}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_refusals(arguments.untiled, folder)
        for seed in (1, 2, 3):
            check_slide(arguments.untiled, folder, seed)
        check_slide(arguments.untiled, folder, 4, arguments.texture)


if __name__ == "__main__":
    main()
