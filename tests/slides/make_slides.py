"""Makes the slides in this folder, small ones in the formats of scanners and of other writers, and
prints what OpenSlide, tifffile and Pillow read in them, which the tests expect:

    .deps/oracle/bin/python tests/slides/make_slides.py

They are kept in the repository, for other versions of these libraries write other bytes."""

import io
import struct
from pathlib import Path

import numpy as np
import openslide
import tifffile
from PIL import Image

FOLDER = Path(__file__).resolve().parent
USER = "b414003d-95c6-48b0-9369-8010ed517ba7"
APERIO = ("Aperio Image Library v11.2.1 \r\n{cols}x{rows} [0,0 {cols}x{rows}] (240x240) JPEG/RGB Q=60;"
          "Aperio Image Library v10.0.51|AppMag = 20|StripeWidth = 2040|ScanScope ID = NOWHERE1"
          f"|Filename = 17|Date = 12/29/09|Time = 09:59:15|User = {USER}|MPP = 0.4990|Left = 25.69"
          "|Top = 23.45|LineAreaXOffset = 0.0|LineAreaYOffset = 0.0|Focus Offset = 0.0|ImageID = 1004486"
          "|OriginalWidth = {cols}|Originalheight = {rows}|Filtered = 5")
OME = ('<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
       '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{cols}"'
       ' SizeY="{rows}" SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="0.2270972430394695"'
       ' PhysicalSizeXUnit="µm" PhysicalSizeY="0.22710240047237298" PhysicalSizeYUnit="µm"'
       ' BigEndian="true" Interleaved="true"><Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData/>'
       '</Pixels></Image></OME>')


def draw(rows, cols, scale=1.0):
    """Two stained pieces with nuclei on glass, [rows, cols, 3] bytes; smooth, so that they pack well."""
    y, x = np.mgrid[0:rows, 0:cols]
    image = np.full((rows, cols, 3), (243.0, 240.0, 245.0))
    for cy, cx, radius in ((0.36, 0.32, 0.29), (0.7, 0.68, 0.24)):
        distance = np.hypot(y / rows - cy, x / cols - cx) + 0.02 * np.sin(x * scale / 37) * np.cos(
            y * scale / 41)
        image[distance < radius] = (206.0, 138.0, 184.0)
    tissue = image[..., 1] < 200
    nuclei = tissue & (np.sin(x * scale / 11.3) * np.sin(y * scale / 9.7) > 0.75)
    image[nuclei] = (110.0, 70.0, 150.0)
    image += 6 * np.sin(x * scale / 61 + y * scale / 43)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def halved(image):
    """By two, an odd last row and column left out."""
    rows, cols = (size // 2 for size in image.shape[:2])
    parts = image[:2 * rows, :2 * cols].reshape(rows, 2, cols, 2, 3)
    return np.rint(parts.mean((1, 3))).astype(np.uint8)


def write_aperio(path):
    pixels = draw(701, 523)
    rows, cols = pixels.shape[:2]
    jpeg = {"photometric": "rgb", "compression": "jpeg", "metadata": None, "software": False}
    with tifffile.TiffWriter(path) as file:
        said = APERIO.format(rows=rows, cols=cols)
        file.write(pixels, tile=(240, 240), description=said, compressionargs={"level": 60}, **jpeg)
        small = halved(halved(pixels))
        file.write(small, rowsperstrip=small.shape[0], description=said, **jpeg)
        file.write(draw(64, 48), rowsperstrip=64, photometric="rgb", compression="lzw", metadata=None,
                   software=False, subfiletype=1,
                   description="Aperio Image Library v11.2.1\r\nlabel 48x64")
        file.write(draw(48, 128), rowsperstrip=48, subfiletype=9,
                   description="Aperio Image Library v11.2.1\r\nmacro 128x48", **jpeg)


def write_pyramid(path):
    """Six levels; 96 pixels an inch, as programs write that know no scale."""
    level = draw(635, 847)
    with tifffile.TiffWriter(path) as file:
        for i in range(6):
            file.write(level, tile=(256, 256), photometric="rgb", compression="jpeg", metadata=None,
                       software=False, resolution=(96 / 2**i, 96 / 2**i), resolutionunit="INCH",
                       subfiletype=min(i, 1), compressionargs={"level": 60})
            level = halved(level)


def write_ome(path):
    pixels = draw(441, 443)
    said = OME.format(rows=441, cols=443)
    tifffile.imwrite(path, pixels, byteorder=">", tile=(128, 128), photometric="rgb",
                     compression="jpeg", description=said.encode(), metadata=None, software=False,
                     compressionargs={"level": 75})


def dark(rows, cols, scale=1.0):
    """Bright spots on black."""
    light = draw(rows, cols, scale).astype(np.int64)
    spots = np.stack([255 - light[..., 1], light[..., 0] // 40, light[..., 2] // 30], -1)
    return spots.astype(np.uint8)


def jpeg_in_rows(pixels):
    """With a restart marker after each 8 rows of a third of the width, as Hamamatsu writes them."""
    out = io.BytesIO()
    blocks = pixels.shape[1] // 8 // 3
    Image.fromarray(pixels).save(out, "JPEG", quality=80, subsampling=0,
                                 restart_marker_blocks=blocks)
    return out.getvalue()


def ndpi_directory(pixels, lens, at):
    """The bytes of one image that begin at a place in the file, and where its directory is."""
    stream = jpeg_in_rows(pixels)
    rows, cols = pixels.shape[:2]
    rational = at + len(stream)
    make = rational + 8
    start = make + 10
    short, long, ascii, ratio, signed, real = 3, 4, 2, 5, 9, 11
    per_cm = int(43826 * lens / 40)
    entries = [(256, long, 1, cols), (257, long, 1, rows), (258, short, 1, 8), (259, short, 1, 7),
               (262, short, 1, 6), (271, ascii, 10, make), (273, long, 1, at), (277, short, 1, 3),
               (278, long, 1, rows), (279, long, 1, len(stream)), (282, ratio, 1, rational),
               (283, ratio, 1, rational), (296, short, 1, 3), (65420, short, 1, 1),
               (65421, real, 1, struct.unpack("<I", struct.pack("<f", lens))[0]),
               (65422, signed, 1, 1000), (65423, signed, 1, 2000), (65424, signed, 1, 0)]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return stream + struct.pack("<II", per_cm, 1) + b"Hamamatsu\0" + directory, start


def write_ndpi(path):
    """Directories are linked by 8 bytes each, as in files of this kind that exceed 4 GiB."""
    data = bytearray(b"II*\0" + bytes(8))
    link = 4
    level = dark(640, 480)
    for lens in (40.0, 20.0, 10.0):
        image, start = ndpi_directory(level, lens, len(data))
        data[link:link + 8] = struct.pack("<Q", start)
        data += image
        link = len(data)
        data += bytes(8)
        level = halved(level)
    path.write_bytes(data)


def write_bad(folder):
    """A text; an Aperio slide whose only tile has a table of no length; an unknown compression."""
    (folder / "text.svs").write_text("This is no slide.\n" * 20)
    path = folder / "damaged.svs"
    tifffile.imwrite(path, draw(64, 64), tile=(64, 64), photometric="rgb", compression="jpeg",
                     description=APERIO.format(rows=64, cols=64), metadata=None, software=False)
    data = bytearray(path.read_bytes())
    quantisation = data.index(b"\xff\xdb") + 2
    data[quantisation:quantisation + 2] = bytes(2)
    path.write_bytes(data)
    path = folder / "compression.tiff"
    tifffile.imwrite(path, draw(64, 64), tile=(64, 64), photometric="rgb", compression="zlib",
                     metadata=None, software=False)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["Compression"].overwrite(52479)


def weighted_sum(pixels):
    """What tests/data/slide/support.h calls so."""
    flat = np.ascontiguousarray(pixels).reshape(-1).astype(np.uint64)
    return int((flat * np.arange(1, flat.size + 1, dtype=np.uint64)).sum(dtype=np.uint64))


def print_facts(folder):
    for name in ("aperio.svs", "pyramid.tiff", "dark.ndpi"):
        with openslide.OpenSlide(str(folder / name)) as slide:
            sums = [weighted_sum(np.asarray(slide.read_region((0, 0), i, size).convert("RGB")))
                    for i, size in enumerate(slide.level_dimensions)]
            kept = {key: slide.properties.get(key) for key in (
                "openslide.vendor", "openslide.mpp-x", "openslide.objective-power",
                "openslide.quickhash-1")}
            print(f"{name}: {slide.level_dimensions} by OpenSlide {sums}\n  {kept}"
                  f" {list(slide.associated_images)}")
    for name in ("aperio.svs", "pyramid.tiff", "picture.ome.tif"):
        with tifffile.TiffFile(folder / name) as file:
            sums = [weighted_sum(page.asarray()) for page in file.pages]
            if name == "aperio.svs":
                pixels = file.pages[0].asarray()
                rows, cols = (size // 8 for size in pixels.shape[:2])
                parts = pixels[:8 * rows, :8 * cols].reshape(rows, 8, cols, 8, 3).mean((1, 3))
                average = np.floor(parts + 0.5).astype(np.uint8)
                print(f"{name}: {rows} x {cols} parts of eight by NumPy {weighted_sum(average)}")
            print(f"{name}: {[page.shape for page in file.pages]} by tifffile {sums}")
    for name in ("picture.jpg", "picture.png"):
        with Image.open(folder / name) as image:
            print(f"{name}: {image.size} by Pillow {weighted_sum(np.asarray(image))}")


def main():
    write_aperio(FOLDER / "aperio.svs")
    write_pyramid(FOLDER / "pyramid.tiff")
    write_ome(FOLDER / "picture.ome.tif")
    write_ndpi(FOLDER / "dark.ndpi")
    Image.fromarray(draw(331, 473)).save(FOLDER / "picture.jpg", quality=80)
    Image.fromarray(draw(331, 473, 0.3)).save(FOLDER / "picture.png", optimize=True)
    write_bad(FOLDER)
    print_facts(FOLDER)


if __name__ == "__main__":
    main()
