"""One picture as a slide of every kind that docs/formats.md and docs/zarr.md name, written by tifffile, zarr-python and
Pillow, and DICOM byte by byte."""

import struct
import sys

try:
    import imagecodecs
    import numpy as np
    import tifffile
    import zarr
    import zarr.codecs
    from numcodecs import Blosc, Zlib
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

MPP = 2.0
TILE = 128
LOSSLESS = {"reversible": True}
APERIO = "Aperio Image Library v11.2.1\r\n{cols}x{rows} [0,0 {cols}x{rows}] (128x128) J2K|AppMag = 20|MPP = {mpp}{more}"
OME = ('<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
       '<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{cols}" '
       'SizeY="{rows}" SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="{mpp}" PhysicalSizeXUnit="µm" '
       'PhysicalSizeY="{mpp}" PhysicalSizeYUnit="µm">{channels}<TiffData/></Pixels></Image></OME>')


def halved(image):
    """The next level of a pyramid, of ceil(n / 2) pixels."""
    padded = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge").astype(np.uint16)
    return ((padded[::2, ::2] + padded[::2, 1::2] + padded[1::2, ::2] + padded[1::2, 1::2] + 2) >> 2).astype(np.uint8)


def pyramid_of(pixels, count=3):
    levels = [pixels]
    while len(levels) < count:
        levels.append(halved(levels[-1]))
    return levels


def planes_first(pixels, options):
    return pixels.transpose(2, 0, 1) if options.get("planarconfig") == "separate" else pixels


def write_tiff(path, levels, strips=False, bigtiff=False, byteorder=None, name=None, **options):
    """Levels one after the other, in tiles or strips."""
    shape = {"rowsperstrip": 37} if strips else {"tile": (TILE, TILE)}
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
        for i, level in enumerate(levels):
            per_cm = 1e4 / MPP / 2**i
            file.write(planes_first(level, options), photometric="rgb", subfiletype=min(i, 1),
                       description=name if i == 0 else None, resolution=(per_cm, per_cm), resolutionunit="CENTIMETER",
                       metadata=None, software=False, **shape, **options)


def write_ome(path, levels, planes=False, name="", **options):
    """Reduced levels in SubIFDs; red, green and blue in one directory or in three."""
    count, samples = (3, 1) if planes else (1, 3)
    channels = "".join(f'<Channel ID="Channel:0:{c}" SamplesPerPixel="{samples}"/>' for c in range(count))
    xml = OME.format(rows=levels[0].shape[0], cols=levels[0].shape[1], mpp=MPP, channels=channels, name=name)
    with tifffile.TiffWriter(path) as file:
        for c in range(count):
            for i, level in enumerate(levels):
                part = level[..., c] if planes else planes_first(level, options)
                file.write(part, tile=(TILE, TILE), photometric="minisblack" if planes else "rgb", compression="zlib",
                           description=xml.encode() if i + c == 0 else None, subifds=0 if i else len(levels) - 1,
                           subfiletype=min(i, 1), metadata=None, software=False, **options)


def write_aperio(path, levels, name="", **options):
    """Behind the slide comes a thumbnail in one strip, as in Aperio's files."""
    said = APERIO.format(rows=levels[0].shape[0], cols=levels[0].shape[1], mpp=MPP, more=f"|Filename = {name}")
    plain = {"photometric": "rgb", "metadata": None, "software": False, "description": said}
    small = levels[-1]
    with tifffile.TiffWriter(path) as file:
        for i, level in enumerate(levels):
            file.write(level, tile=(TILE, TILE), **plain, **options)
            if i == 0:
                file.write(small, rowsperstrip=small.shape[0], **plain)


def multiscales(axes, count, name):
    named = [{"name": axis, "type": "channel"} if axis == "c" else
             {"name": axis, "type": "space", "unit": "micrometer"} for axis in axes]
    scales = [[1.0 if axis == "c" else MPP * 2**i for axis in axes] for i in range(count)]
    return {"name": name, "axes": named, "datasets": [
        {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for i, scale in enumerate(scales)]}


def write_ome_zarr(path, levels, version=3, axes="cyx", chunk=(3, 100, 90), name="", **options):
    """OME-Zarr 0.5 (Zarr 3) or 0.4 (Zarr 2); `chunk` is in the order of `axes`."""
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    image = multiscales(axes, len(levels), name)
    if version == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
        options["dimension_names"] = list(axes)
    else:
        group.attrs["multiscales"] = [{**image, "version": "0.4"}]
    for i, level in enumerate(levels):
        data = level.transpose(["yxc".index(axis) for axis in axes])
        group.create_array(str(i), shape=data.shape, chunks=chunk, dtype="uint8", **options)[...] = data


def write_array(path, levels, version=3, axes="yxc", chunk=(100, 90, 3), **options):
    """An array alone, of level 0."""
    data = levels[0].transpose(["yxc".index(axis) for axis in axes])
    array = zarr.create_array(str(path), shape=data.shape, chunks=chunk, dtype="uint8", zarr_format=version, **options)
    array[...] = data


def write_series(path, levels, **options):
    """bioformats2raw's layout: the image is a folder in the folder."""
    zarr.open_group(str(path), mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    write_ome_zarr(path / "0", levels, version=2, chunk=(1, 64, 200),
                   chunk_key_encoding={"name": "v2", "separator": "/"}, **options)


DICOM_SERIES = "1.2.826.0.1.3680043.9999.7"
DICOM_WSI = "1.2.840.10008.5.1.4.1.1.77.1.6"
DICOM_SYNTAX = {"raw": "1.2.840.10008.1.2.1", "jpeg": "1.2.840.10008.1.2.4.50", "j2k": "1.2.840.10008.1.2.4.90"}


def element(group, tag, kind, value):
    """Explicit and little-endian; numbers by their kind."""
    if isinstance(value, (int, float)):
        value = struct.pack({"US": "<H", "UL": "<I", "FL": "<f"}[kind], value)
    if isinstance(value, str):
        value = value.encode()
    value += (b"\0" if kind == "UI" else b" ") * (len(value) % 2)
    head = struct.pack("<HH", group, tag) + kind.encode()
    return head + (struct.pack("<HI", 0, len(value)) if kind in ("OB", "SQ") else struct.pack("<H", len(value))) + value


def item(value):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def dicom_frames(level, coding):
    rows, cols = level.shape[:2]
    padded = np.pad(level, ((0, -rows % TILE), (0, -cols % TILE), (0, 0)), mode="edge")
    for y in range(0, rows, TILE):
        for x in range(0, cols, TILE):
            tile = np.ascontiguousarray(padded[y:y + TILE, x:x + TILE])
            if coding == "raw":
                yield tile.tobytes()
            elif coding == "jpeg":
                yield imagecodecs.jpeg8_encode(tile, level=90, subsampling="444")
            else:
                yield imagecodecs.jpeg2k_encode(tile, reversible=True, codecformat="j2k", mct=False)


def dicom_pixels(frames, coding):
    if coding == "raw":
        return element(0x7FE0, 0x10, "OB", b"".join(frames))
    items = b"".join(item(frame + b"\0" * (len(frame) % 2)) for frame in frames)
    return struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + item(b"") + items + struct.pack(
        "<HHI", 0xFFFE, 0xE0DD, 0)


def dicom_level(level, index, coding, name):
    rows, cols = level.shape[:2]
    frames = list(dicom_frames(level, coding))
    instance = f"{DICOM_SERIES}.{index + 1}"
    spacing = f"{MPP * 2**index / 1000:.6f}"
    measures = item(element(0x18, 0x50, "DS", "0.001") + element(0x28, 0x30, "DS", f"{spacing}\\{spacing}"))
    kind = "DERIVED\\PRIMARY\\VOLUME\\RESAMPLED" if index else "ORIGINAL\\PRIMARY\\VOLUME\\NONE"
    meta = [(2, 1, "OB", b"\0\1"), (2, 2, "UI", DICOM_WSI), (2, 3, "UI", instance),
            (2, 0x10, "UI", DICOM_SYNTAX[coding])]
    data = [(8, 8, "CS", kind), (8, 0x16, "UI", DICOM_WSI), (8, 0x18, "UI", instance), (8, 0x60, "CS", "SM"),
            (0x10, 0x10, "PN", name), (0x20, 0xD, "UI", DICOM_SERIES + ".99"), (0x20, 0xE, "UI", DICOM_SERIES),
            (0x20, 0x13, "IS", str(index + 1)), (0x20, 0x9311, "CS", "TILED_FULL"), (0x28, 2, "US", 3),
            (0x28, 4, "CS", "YBR_FULL_422" if coding == "jpeg" else "RGB"), (0x28, 6, "US", 0),
            (0x28, 8, "IS", str(len(frames))), (0x28, 0x10, "US", TILE), (0x28, 0x11, "US", TILE),
            (0x28, 0x100, "US", 8), (0x28, 0x101, "US", 8), (0x28, 0x102, "US", 7), (0x28, 0x103, "US", 0),
            (0x48, 1, "FL", cols * MPP / 1000), (0x48, 2, "FL", rows * MPP / 1000), (0x48, 6, "UL", cols),
            (0x48, 7, "UL", rows), (0x48, 0x105, "SQ", item(element(0x48, 0x106, "SH", "0"))), (0x48, 0x302, "UL", 1),
            (0x48, 0x303, "UL", 1), (0x5200, 0x9229, "SQ", item(element(0x28, 0x9110, "SQ", measures)))]
    head = b"".join(element(*each) for each in meta)
    return bytes(128) + b"DICM" + element(2, 0, "UL", len(head)) + head + b"".join(
        element(*each) for each in data) + dicom_pixels(frames, coding)


def write_dicom(path, levels, coding="raw", name="Nobody"):
    """A folder with a file a level."""
    path.mkdir()
    for index, level in enumerate(levels):
        (path / f"level{index}.dcm").write_bytes(dicom_level(level, index, coding, name))


def write_png(path, levels, mode="RGB"):
    Image.fromarray(levels[0]).convert(mode).save(path)


def write_jpeg(path, levels, **options):
    Image.fromarray(levels[0]).save(path, quality=90, **options)


# Of each: who writes it, and how. All of these keep pixels and three levels.
PYRAMIDS = {
    "raw.tif": (write_tiff, {}),
    "deflate.tif": (write_tiff, {"compression": "zlib"}),
    "lzw.tif": (write_tiff, {"compression": "lzw", "predictor": 2}),
    "packbits.tif": (write_tiff, {"compression": "packbits"}),
    "zstd.tif": (write_tiff, {"compression": "zstd"}),
    "lzma.tif": (write_tiff, {"compression": "lzma"}),
    "webp.tif": (write_tiff, {"compression": "webp", "compressionargs": {"lossless": True}}),
    "jpeg2000.tif": (write_tiff, {"compression": 34712, "compressionargs": LOSSLESS}),
    "separate.tif": (write_tiff, {"compression": "zlib", "planarconfig": "separate"}),
    "big.tif": (write_tiff, {"compression": "zlib", "bigtiff": True, "byteorder": ">"}),
    "strips.tif": (write_tiff, {"compression": "lzw", "strips": True}),
    "interleaved.ome.tif": (write_ome, {}),
    "planes.ome.tif": (write_ome, {"planes": True}),
    "separate.ome.tif": (write_ome, {"planarconfig": "separate"}),
    "jpeg2000.svs": (write_aperio, {"compression": 33005, "compressionargs": LOSSLESS}),
    "dicom": (write_dicom, {}),
    "dicom-jpeg2000": (write_dicom, {"coding": "j2k"}),
    "zstd.ome.zarr": (write_ome_zarr, {"compressors": zarr.codecs.ZstdCodec()}),
    "planar.ome.zarr": (write_ome_zarr, {"chunk": (1, 128, 128), "compressors": zarr.codecs.GzipCodec()}),
    "blosc.ome.zarr": (write_ome_zarr, {"axes": "yxc", "chunk": (128, 128, 3),
                                        "compressors": zarr.codecs.BloscCodec()}),
    "shards.ome.zarr": (write_ome_zarr, {"axes": "yxc", "chunk": (64, 32, 3), "shards": (128, 128, 3)}),
    "planar-shards.ome.zarr": (write_ome_zarr, {"chunk": (1, 50, 50), "shards": (3, 100, 100)}),
    "blosc-04.ome.zarr": (write_ome_zarr, {"version": 2, "compressors": Blosc(cname="lz4")}),
    "zlib-04.ome.zarr": (write_ome_zarr, {"version": 2, "compressors": Zlib(),
                                          "chunk_key_encoding": {"name": "v2", "separator": "/"}}),
    "columns-04.ome.zarr": (write_ome_zarr, {"version": 2, "order": "F", "compressors": None}),
    "series.zarr": (write_series, {}),
}

# These keep pixels and have one level; half of them know no scale.
FLAT = {
    "one.tif": (write_tiff, {"compression": "zlib"}),
    "rows.tif": (write_tiff, {"compression": "zstd", "strips": True}),
    "separate-rows.tif": (write_tiff, {"strips": True, "planarconfig": "separate"}),
    "image.png": (write_png, {}),
    "opaque.png": (write_png, {"mode": "RGBA"}),
    "one.ome.zarr": (write_ome_zarr, {}),
    "array.zarr": (write_array, {}),
    "planar-array.zarr": (write_array, {"axes": "cyx", "chunk": (1, 64, 300), "compressors": None}),
    "sharded-array.zarr": (write_array, {"chunk": (50, 45, 3), "shards": (100, 90, 3)}),
    "array-2.zarr": (write_array, {"version": 2, "order": "F", "compressors": Zlib()}),
}

# One level too, whose pixels are what another decoder makes of them.
LOSSY = {
    "jpeg.tif": (write_tiff, {"compression": "jpeg", "compressionargs": {"level": 90}, "subsampling": (1, 1)}),
    "jpeg420.tif": (write_tiff, {"compression": "jpeg", "compressionargs": {"level": 90}, "subsampling": (2, 2)}),
    "jpeg.svs": (write_aperio, {"compression": "jpeg", "compressionargs": {"level": 90}}),
    "lossy-jpeg2000.svs": (write_aperio, {"compression": 33005, "compressionargs": {"level": 40, "reversible": False}}),
    "lossy-webp.tif": (write_tiff, {"compression": "webp", "compressionargs": {"level": 80, "lossless": False}}),
    "image.jpg": (write_jpeg, {"subsampling": 0}),
    "image420.jpg": (write_jpeg, {"subsampling": 2}),
    "dicom-jpeg": (write_dicom, {"coding": "jpeg"}),
}


def decode(path):
    """Level 0 of a slide that was written with losses, by the library of its kind."""
    if path.is_dir():
        import openslide

        with openslide.OpenSlide(str(path / "level0.dcm")) as slide:
            return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
    if path.suffix == ".jpg":
        return np.asarray(Image.open(path))
    with tifffile.TiffFile(path) as file:
        return file.pages[0].asarray()


def write_all(kinds, folder, levels, **more):
    """Name -> path of a slide of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (write, options) in kinds.items():
        write(folder / name, levels, **options, **more)
    return {name: folder / name for name in kinds}
