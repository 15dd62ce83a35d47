"""JPEG 2000 slides that tifffile writes with an OpenJPEG of its own, and our pixels of them."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import openslide
import tifffile

ROWS, COLUMNS = 300, 417
APERIO = "Aperio Image Library v11.2.1\r\n417x300 |AppMag = 20|MPP = 0.5"


def picture(channels):
    """Smooth, with noise: compresses as tissue does."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    noise = np.random.default_rng(3).integers(0, 8, (ROWS, COLUMNS, channels))
    waves = [90 + 70 * np.sin(rows / (9 + c) + columns / (15 - c)) for c in range(channels)]
    return (np.stack(waves, 2) + noise).astype(np.uint8)


def read(reader, slide):
    bytes_ = subprocess.run([reader, slide], check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(bytes_, np.uint8).reshape(ROWS, COLUMNS, 3)


def write(slide, pixels, compression, level=None, **options):
    arguments = {"reversible": True} if level is None else {"level": level, "reversible": False}
    options.setdefault("photometric", "rgb")
    tifffile.imwrite(slide, pixels, tile=(128, 128), compression=compression,
                     compressionargs=arguments, metadata=None, **options)


def check_exact(reader, folder):
    slide = folder / "exact.tif"
    for compression in (33004, 33005, 34712):
        write(slide, picture(3), compression)
        assert (read(reader, slide) == picture(3)).all(), compression
        write(slide, picture(3).transpose(2, 0, 1), compression, planarconfig="separate")
        assert (read(reader, slide) == picture(3)).all(), compression
        write(slide, picture(1)[..., 0], compression, photometric="minisblack")
        assert (read(reader, slide) == picture(1)).all(), compression
    opaque = np.concatenate([picture(3), np.full((ROWS, COLUMNS, 1), 255, np.uint8)], 2)
    write(slide, opaque, 34712, extrasamples=["unassalpha"])
    assert (read(reader, slide) == picture(3)).all()


def check_lossy(reader, folder):
    slide = folder / "lossy.svs"
    for compression in (33003, 33005):
        write(slide, picture(3), compression, level=40, description=APERIO)
        ours = read(reader, slide).astype(int)
        with openslide.OpenSlide(slide) as other:
            assert other.properties["openslide.vendor"] == "aperio"
            theirs = np.asarray(other.read_region((0, 0), 0, (COLUMNS, ROWS)))[..., :3]
        difference = np.abs(ours - theirs)
        # Releases of OpenJPEG round lossy samples apart, seldom.
        assert difference.max() <= 2 and (difference > 0).sum() <= 10, compression
        if compression == 33005:
            assert (theirs != picture(3)).any(), "the slide is lossless"
            assert (np.abs(ours - tifffile.imread(slide)) > 0).sum() <= 10


def check_refusals(reader, folder):
    slide = folder / "deep.tif"
    write(slide, picture(3).astype(np.uint16) * 200, 34712)
    result = subprocess.run([reader, slide], stderr=subprocess.PIPE, text=True)
    assert result.returncode == 3 and "16 bits where 8 can be read" in result.stderr, result.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled")  # Given to every check; this one needs no program.
    parser.add_argument("--reader", required=True)
    arguments = parser.parse_args()
    if not pathlib.Path(arguments.reader).exists():
        print(f"SKIPPED: no {arguments.reader}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_exact(arguments.reader, folder)
        check_lossy(arguments.reader, folder)
        check_refusals(arguments.reader, folder)


if __name__ == "__main__":
    main()
