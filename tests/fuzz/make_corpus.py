"""Small valid inputs for each fuzz target, one folder a target: make_corpus.py FOLDER."""

import gzip
import io
import json
import struct
import sys
import zlib
from pathlib import Path

try:
    import google_crc32c
    import numcodecs
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


def classifier():
    facts = {"depth": 10, "width": 2, "first_stride": 2, "norm": "batch", "loss": "bce",
             "labels": ["a", "b"], "training_mpp": 0.5, "training_level": 0, "step": 3,
             "version": "0.1.0", "stain": {"method": "macenko", "vectors": STAINS["vectors"],
                                           "high": STAINS["high"]}}
    return {"format": "untiled classifier 1", "facts": json.dumps(facts)}


def safetensors():
    yield from tensors()
    yield "classifier", save({"fc.bias": np.zeros(2, np.float32)}, classifier())


def claims():
    """The metadata of each checkpoint: see checkpoint.cpp."""
    for name, data in safetensors():
        header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
        lines = [f"{key}\t{value}\n" for key, value in header.get("__metadata__", {}).items()]
        yield name, "".join(lines).encode()


def masks():
    for name, options in {"tiles": {"tile": (16, 16), "compression": "zlib"},
                          "strips": {"rowsperstrip": 7}}.items():
        for dtype in (np.uint8, np.uint16):
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, PIXELS[..., 0].astype(dtype), photometric="minisblack", **options)
            yield f"{name}_{np.dtype(dtype).name}", buffer.getvalue()
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[..., 0] > 100).save(buffer, "TIFF", compression="group4")
    yield "one_bit", buffer.getvalue()


def gzipped(data):
    return gzip.compress(data, 1, mtime=0)


def summed(data):
    return data + struct.pack("<I", google_crc32c.value(data))


def zstd(data):
    return bytes(numcodecs.Zstd(1).encode(data))


def blosc(data):
    return bytes(numcodecs.Blosc("lz4", 1).encode(data))


def streams():
    """Behind the number of a codec in the list of lib/codecs."""
    for number, encode in enumerate((blosc, summed, gzipped, zlib.compress, zstd)):
        yield str(number), bytes([number]) + encode(PIXELS.tobytes())
        yield f"{number}_empty", bytes([number]) + encode(b"")


def shard(kind):
    """As zarr_chunk.cpp's array of that number has it."""
    encode = (zstd, gzipped, blosc, summed, zstd)[kind % 5]
    chunk = encode(PIXELS[:8, :8].tobytes() * (1 + kind % 2))
    order = ">" if kind % 5 == 0 else "<"
    first = kind % 3 == 0
    start = 64 + (4 if kind % 7 == 0 else 0) if first else 0
    index = struct.pack(order + "8Q", start, len(chunk), *[2**64 - 1] * 2, start, len(chunk),
                        start + len(chunk), len(chunk))
    index = summed(index) if kind % 7 == 0 else index
    return index + 2 * chunk if first else 2 * chunk + index


def chunks():
    for kind in range(15):
        yield f"shard{kind}", bytes([2 * kind]) + shard(kind)
    plain = PIXELS[:16, :16].tobytes()
    for kind, encode in enumerate((zlib.compress, blosc, bytes, zstd)):
        yield f"chunk{kind}", bytes([2 * kind + 1]) + encode(plain)
        yield f"wide{kind}", bytes([2 * kind + 9]) + encode(plain * 2)


AXES = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"}]
IMAGE = {"axes": AXES, "name": "slide", "datasets": [{"path": "0", "coordinateTransformations": [
    {"type": "scale", "scale": [1, 0.5, 0.5]}]}]}
CHANNELS = {"channels": [{"label": name, "color": color, "active": True, "window": {
    "min": 0, "max": 255, "start": 0, "end": 255}} for name, color in
    (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))]}
ARRAY2 = {"zarr_format": 2, "shape": [3, 40, 36], "chunks": [3, 40, 36], "dtype": "|u1",
          "fill_value": 0, "order": "C", "filters": None, "dimension_separator": "/",
          "compressor": {"id": "zstd", "level": 1}}


def named(name, **configuration):
    return {"name": name, "configuration": configuration}


def array3(*codecs, chunk=(3, 40, 36), **more):
    return {"zarr_format": 3, "node_type": "array", "shape": [3, 40, 36], "data_type": "uint8",
            "chunk_grid": named("regular", chunk_shape=chunk), "fill_value": 0,
            "chunk_key_encoding": named("default", separator="/"), "codecs": codecs, **more}


def arrays():
    sharding = named("sharding_indexed", chunk_shape=[3, 8, 8], index_location="end",
                     codecs=[named("transpose", order=[1, 2, 0]), {"name": "bytes"}, named("zstd")],
                     index_codecs=[named("bytes", endian="little"), {"name": "crc32c"}])
    yield "shards", array3(sharding, chunk=(3, 16, 16), dimension_names=["c", "y", "x"])
    yield "blosc", array3({"name": "bytes"}, named("blosc", cname="zstd", clevel=5, typesize=1,
                                                   shuffle="bitshuffle", blocksize=0))
    yield "floats", {**array3(named("bytes", endian="big")), "data_type": "float32",
                     "fill_value": "NaN", "attributes": {"a": [1]}}
    yield "v2", ARRAY2
    yield "v2_order", {**ARRAY2, "order": "F", "dtype": ">u2", "compressor": {"id": "blosc"}}


def zarr_slides():
    planar = PIXELS.transpose(2, 0, 1).tobytes()
    group = {"zarr_format": 3, "node_type": "group",
             "attributes": {"ome": {"version": "0.5", "multiscales": [IMAGE], "omero": CHANNELS}}}
    old = {"multiscales": [{**IMAGE, "version": "0.4"}], "omero": CHANNELS}
    interleaved = array3(named("transpose", order=[1, 2, 0]), {"name": "bytes"}, named("gzip", level=1))

    def folder(version, top, array, data):
        return version + b"\x1e".join([json.dumps(top).encode(), json.dumps(array).encode(), data])

    yield "planar", folder(b"3", group, array3({"name": "bytes"}), planar)
    yield "interleaved", folder(b"3", group, interleaved, gzipped(PIXELS.tobytes()))
    yield "v2", folder(b"2", old, ARRAY2, zstd(planar))
    label = {**array3(named("bytes", endian="little"), chunk=(1, 40, 36)), "shape": [1, 40, 36], "data_type": "int16"}
    yield "label", folder(b"3", {**group, "attributes": {"ome": {"version": "0.5", "multiscales": [IMAGE]}}}, label,
                          (PIXELS[..., 0] % 4).astype("<i2").tobytes())
    yield "v2_alone", folder(b"2", old, {**ARRAY2, "chunks": [1, 16, 16]}, zstd(planar[:256]))


STAINS = {"format": "untiled stains 1", "vectors": [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]],
          "high": [1.9705, 1.0308]}


def bench_files():
    step = {"name": "default", "rows": 1000, "columns": 2000, "median_seconds": 0.5,
            "peak_rss_bytes": 1 << 30, "times_plain": 1.5}
    job = {"job": "read_raw", "tool": "untiled", "cache": "warm", "pixels": 4000000,
           "median_seconds": 0.25, "median_cpu_seconds": 0.4, "peak_rss_bytes": 1 << 20}
    for name, content in {"run": {"steps": [step]}, "tiles": {"tiles": [job, job]},
                          "both": {"steps": [step], "tiles": [job]}}.items():
        yield name, json.dumps({"name": "machine", "kind": "published", "source": "a paper",
                                **content}).encode()
    yield "prices", b"hours: 13000\nmachines:\n  - {match: M1, label: a, purchase_usd: 5}\n"


def descriptions():
    yield "aperio", (b"Aperio Image Library v11.2.1\r\n46000x32914 [0,100 46000x32814] (256x256) "
                     b"JPEG/RGB Q=30|AppMag = 20|MPP = 0.4990|Left = 25.6")
    yield "imagej", b"ImageJ=1.53t\nimages=1\nunit=\\u00B5m\nmin=0.0\n"
    yield "perkin_elmer", b"<PerkinElmer-QPI-ImageDescription><ImageType>Thumbnail</ImageType>"
    yield "unit", b"micrometer"
    yield "reason", b"Unsupported transfer syntax 1.2.840.10008.1.2.4.90"


METRICS = b"step,loss,learning_rate,gradient_norm\n1,0.5,0.001,2\n2,nan,1e-3,inf\n"
CSV = b'slide,mask,split,group,mpp,region\r\na.svs,,train,p1,0.5,"0,0,20,20"\r\n'
YAML = b"train: {steps: 3}\ndata:\n  classes:\n    - {name: a, value: 1, color: '#102030'}\n"

CORPUS = {
    "tiff": tiffs, "jpeg": lambda: images("JPEG"), "jpeg2000": jpeg2000, "dicom": dicom,
    "png": lambda: images("PNG"), "ome": lambda: [("ome", OME.encode())], "annotations": geojson,
    "manifest": lambda: [("comma", CSV), ("excel", CSV.replace(b",", b";"))],
    "settings": lambda: [("file", YAML), ("set", b"train.steps=3"), ("list", b"[{name: a, value: 1}]")],
    "json": geojson, "records": records, "safetensors": safetensors, "state": facts,
    "checkpoint": claims, "mask": masks, "codecs": streams, "zarr_chunk": chunks,
    "zarr_metadata": lambda: ((name, json.dumps(array).encode()) for name, array in arrays()),
    "zarr_slide": zarr_slides, "stains": lambda: [("stains", json.dumps(STAINS).encode())],
    "bench": bench_files, "description": descriptions, "metrics": lambda: [("metrics", METRICS)],
}


def main(folder):
    for target, inputs in CORPUS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / target / name).write_bytes(data)


main(Path(sys.argv[1]))
