"""Small valid inputs for each fuzz target, one folder a target: make_corpus.py FOLDER."""

import gzip
import io
import json
import struct
import sys
from pathlib import Path

try:
    import numpy as np
    import tifffile
    from PIL import Image
    from safetensors.numpy import save
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

PIXELS = (np.add.outer(np.arange(40), np.arange(36))[..., None] * [3, 5, 7] % 251).astype(np.uint8)
RING = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]
OME = """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<!-- a comment --><Image ID="Image:0" Name="slide"><Pixels ID="Pixels:0" DimensionOrder="XYCZT"
 Type="uint8" SizeX="36" SizeY="40" SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="0.25"
 PhysicalSizeXUnit="&#181;m" PhysicalSizeY="250" PhysicalSizeYUnit="nm"><Channel ID="C:0"
 SamplesPerPixel="3" Name="RGB"/><TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>"""


def tiffs():
    for name, options in {
        "tiles": {"tile": (16, 16), "compression": "zlib"},
        "big": {"tile": (16, 16), "bigtiff": True, "byteorder": ">"},
        "strips": {"rowsperstrip": 7, "compression": "lzw"},
        "planes": {"planarconfig": "separate"},
        "resolution": {"tile": (16, 16), "resolution": (40000, 40000), "resolutionunit": 3},
    }.items():
        buffer = io.BytesIO()
        pixels = PIXELS.transpose(2, 0, 1) if name == "planes" else PIXELS
        tifffile.imwrite(buffer, pixels, photometric="rgb", **options)
        yield name, buffer.getvalue()
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        tiff.write(PIXELS, photometric="rgb", tile=(16, 16), subifds=1, description=OME, metadata=None)
        tiff.write(PIXELS[::2, ::2], photometric="rgb", tile=(16, 16), subfiletype=1)
    yield "ome", buffer.getvalue()
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "TIFF", compression="jpeg")
    yield "jpeg", buffer.getvalue()


def images(kind, **options):
    for mode in ("RGB", "L") + (("P", "1", "RGBA") if kind == "PNG" else ()):
        buffer = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(PIXELS).convert(mode).save(buffer, kind, exif=exif, **options)
        yield mode, buffer.getvalue()


def jpeg2000():
    for name, options in {"raw": {"no_jp2": True}, "jp2": {"no_jp2": False},
                          "tiles": {"no_jp2": True, "tile_size": (16, 16)}}.items():
        buffer = io.BytesIO()
        Image.fromarray(PIXELS).save(buffer, "JPEG2000", **options)
        yield name, buffer.getvalue()


def element(group, number, kind, value):
    value = value + b"\0" * (len(value) % 2)
    long_size = kind in (b"OB", b"SQ")
    size = struct.pack("<2xI" if long_size else "<H", len(value))
    return struct.pack("<HH", group, number) + kind + size + value


def dicom():
    frame = next(data for mode, data in images("JPEG"))
    frame += b"\0" * (len(frame) % 2)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, len(frame))
    meta = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.4.50")
    yield "frame", (bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta
                    + element(8, 8, b"CS", b"ORIGINAL\\PRIMARY\\VOLUME\\NONE")
                    + element(0x20, 0xE, b"UI", b"1.2.3") + element(0x28, 4, b"CS", b"YBR_FULL_422")
                    + struct.pack("<HH", 0x7FE0, 0x10) + b"OB\0\0\xff\xff\xff\xff" + item + frame
                    + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))


def geojson():
    polygon = {"type": "Polygon", "coordinates": [RING, [[2, 2], [4, 2], [4, 4], [2, 2]]]}
    feature = {"type": "Feature", "geometry": polygon, "properties": {
        "objectType": "annotation", "classification": {"name": "Tissue", "color": [1, 2, 3]}}}
    parts = {"type": "GeometryCollection", "geometries": [
        polygon, {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
        {"type": "Point", "coordinates": [1, 2]}]}
    text = json.dumps({"type": "FeatureCollection", "features": [
        feature, {"type": "Feature", "geometry": parts, "properties": {"isEllipse": True}}]})
    yield "collection", text.encode()
    yield "feature", json.dumps(feature).replace("[0, 0]", "[NaN, 0]").encode()
    yield "gzipped", gzip.compress(text.encode(), mtime=0)


def records():
    yield "lease", json.dumps({"machine": "0" * 32, "process": 7, "job": "", "lease": "1-0"}).encode()
    yield "record", json.dumps({"check_sum": "0" * 32, "content": ["a.png"]}).encode()


def tensors():
    weights = {"head.weight": np.ones((1, 3, 1, 1), np.float32), "head.bias": np.zeros(1, np.float32)}
    claims = {"format": "untiled checkpoint 1", "architecture": '"unet"', "widths": "[2,4]",
              "kernels": '{"down":7,"refine":3,"up":5,"head":3}', "strides": "[4,4]",
              "classes": '[{"name":"t","value":1,"color":[1,2,3],"weight":1.0}]',
              "training_mpp": "0.5", "training_level": "0", "input_scaling": str(1 / 255),
              "threshold": "0.5", "step": "3", "version": '"0.1.0"'}
    yield "checkpoint", save(weights, claims)
    yield "plain", save(weights)


def facts():
    yield "facts", json.dumps({"step": 3, "seed": 1, "last_dice": 0.5, "file_bytes": {"metrics": 9},
                               "settings": {"train.loss": "bce"}, "fingerprints": {"a.svs": "f0"},
                               "best": {"step": 2, "dice": None, "loss": 0.1}}).encode()


CSV = b'slide,mask,split,group,mpp,region\r\na.svs,,train,p1,0.5,"0,0,20,20"\r\n'
YAML = b"train: {steps: 3}\ndata:\n  classes:\n    - {name: a, value: 1, color: '#102030'}\n"

CORPUS = {
    "tiff": tiffs, "jpeg": lambda: images("JPEG"), "jpeg2000": jpeg2000, "dicom": dicom,
    "png": lambda: images("PNG"), "ome": lambda: [("ome", OME.encode())], "annotations": geojson,
    "manifest": lambda: [("comma", CSV), ("excel", CSV.replace(b",", b";"))],
    "settings": lambda: [("file", YAML), ("set", b"train.steps=3"), ("list", b"[{name: a, value: 1}]")],
    "json": geojson, "records": records, "safetensors": tensors, "state": facts,
}


def main(folder):
    for target, inputs in CORPUS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / target / name).write_bytes(data)


main(Path(sys.argv[1]))
