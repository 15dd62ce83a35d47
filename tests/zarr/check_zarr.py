"""Our Zarr arrays and OME-Zarr images, read and validated by libraries that are not ours, and theirs
read by us: zarr-python, TensorStore, zarrs, ome-zarr-models, yaozarrs and the specification's schemas."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "app"))

try:
    import numpy as np
    import ome_zarr_models
    import tensorstore
    import yaozarrs
    import zarr
    import zarrs  # noqa: F401 (registers its pipeline)
    from ome_schemas import schema_faults
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

SHAPE = (301, 205)
FAILED = []


def expect(holds, text):
    if not holds:
        FAILED.append(text)
        print(f"FAILED: {text}", flush=True)


def pattern(channels):
    """[c, y, x]: the same formula stands in samples.cpp."""
    c, y, x = np.mgrid[0:channels, 0:SHAPE[0], 0:SHAPE[1]]
    return (y * 7 + x * 13 + c * 101 + y * x // 5) % 251


def four_below(level):
    """The four elements under each of the next level; the last row or column of an odd size counts
    twice."""
    padded = np.pad(level, ((0, 0), (0, level.shape[1] % 2), (0, level.shape[2] % 2)), "edge")
    return [padded[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]


def mean(level):
    a, b, c, d = four_below(level)
    if level.dtype == np.float32:
        return ((a + b) + (c + d)) * np.float32(0.25)
    wide = [part.astype(np.int32) for part in (a, b, c, d)]
    return ((sum(wide) + 2) >> 2).astype(level.dtype)


def mode(level):
    parts = np.stack(four_below(level))
    counts = (parts[:, None] == parts[None]).sum(1)
    first = np.argmax(counts, 0)  # The first of those that occur most often.
    return np.take_along_axis(parts, first[None], 0)[0]


def pyramid(level, reduce):
    levels = [level]
    while max(levels[-1].shape[1:]) > 64:
        levels.append(reduce(levels[-1]))
    return levels


def read_with_zarr_python(folder, pipeline):
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        return zarr.open_array(str(folder), mode="r")[...]


def read_with_tensorstore(folder):
    driver = "zarr3" if (folder / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": f"{folder}/"}}
    return tensorstore.open(spec, read=True).result().read().result()


def check_array(folder, expected):
    pipelines = {"zarr-python": "zarr.core.codec_pipeline.BatchedCodecPipeline"}
    if (folder / "zarr.json").exists():
        pipelines["zarrs"] = "zarrs.ZarrsCodecPipeline"
    found = {name: read_with_zarr_python(folder, path) for name, path in pipelines.items()}
    found["TensorStore"] = read_with_tensorstore(folder)
    for reader, pixels in found.items():
        same = pixels.dtype == expected.dtype and np.array_equal(pixels, expected)
        expect(same, f"{reader} reads {folder} as {pixels.dtype} {pixels.shape}")


def check_image(folder, levels):
    version = "0.5" if (folder / "zarr.json").exists() else "0.4"
    ome_zarr_models.open_ome_zarr(zarr.open_group(str(folder), mode="r"), version=version)
    yaozarrs.validate_zarr_store(str(folder))
    faults = schema_faults(folder)
    expect(not faults, "; ".join(faults))
    attributes = dict(zarr.open_group(str(folder), mode="r").attrs)
    image = attributes.get("ome", attributes)["multiscales"][0]
    expect(len(image["datasets"]) == len(levels), f"{folder} has {len(image['datasets'])} levels")
    for i, (dataset, expected) in enumerate(zip(image["datasets"], levels)):
        check_array(folder / dataset["path"], expected)
        check_place(folder, i, dataset["coordinateTransformations"])


def check_place(folder, level, steps):
    mpp = 1.0 if folder.name == "raw.ome.zarr" else 0.5
    expected = [{"type": "scale", "scale": [1.0, mpp * 2**level, mpp * 2**level]}]
    if level > 0:
        shift = (2**level - 1) / 2 * mpp
        expected.append({"type": "translation", "translation": [0.0, shift, shift]})
    expect(steps == expected, f"{folder}, level {level}: {steps}")


def check_outputs(samples, folder):
    subprocess.run([samples, folder], check=True)
    rgb = pattern(3).astype(np.uint8)
    levels = pyramid(rgb, mean)
    for name in ("interleaved", "shards", "planar", "planar_shards", "blosc", "raw", "v04"):
        check_image(folder / f"{name}.ome.zarr", levels)
    floats = (pattern(3).astype(np.float32)) / np.float32(7)
    check_image(folder / "floats.ome.zarr", pyramid(floats, mean))
    check_image(folder / "one_float.ome.zarr", pyramid(floats[:1], mean))
    labels = pyramid((pattern(1) % 3).astype(np.uint8), mode)
    for name in ("shards", "v04"):
        check_image(folder / f"{name}.ome.zarr" / "labels" / "tissue", labels)
    check_array(folder / "plain.zarr", rgb.transpose(1, 2, 0))
    chunk = (folder / "plain.zarr" / "c" / "1" / "2" / "0").read_bytes()
    tile = np.ascontiguousarray(rgb[:, 64:128, 128:192].transpose(1, 2, 0))
    expect(chunk == tile.tobytes(), "a plain chunk is not the tile's bytes")


# ---- Stores of others -----------------------------------------------------------------------


def multiscales(axes, scales, version="0.5"):
    datasets = [{"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
                for i, scale in enumerate(scales)]
    image = {"name": "image", "axes": axes, "datasets": datasets}
    if version == "0.5":
        return {"ome": {"version": "0.5", "multiscales": [image]}}
    return {"multiscales": [image | {"version": version}]}


def axes_of(names, unit="micrometer"):
    kinds = {"t": "time", "c": "channel"}
    return [{"name": n, "type": kinds.get(n, "space")} | ({"unit": unit} if n in "zyx" else {})
            for n in names]


def write_ome(folder, axes, arrays, zarr_format=3, scales=None, unit="micrometer", **options):
    """An image by zarr-python; `arrays` largest first."""
    group = zarr.create_group(str(folder), zarr_format=zarr_format)
    if scales is None:
        scales = [[0.5 * 2**i if n in "yx" else 1.0 for n in axes] for i in range(len(arrays))]
    version = "0.5" if zarr_format == 3 else "0.4"
    group.attrs.update(multiscales(axes_of(axes, unit), scales, version))
    for i, array in enumerate(arrays):
        write_array(folder / str(i), array, zarr_format, **options)


def write_array(folder, array, zarr_format=3, **options):
    if zarr_format == 2:
        options.setdefault("chunk_key_encoding", {"name": "v2", "separator": "/"})
    stored = zarr.create_array(str(folder), shape=array.shape, dtype=array.dtype,
                               zarr_format=zarr_format, **options)
    stored[...] = array


def write_with_tensorstore(folder, array):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder}/"},
            "create": True, "metadata": {
                "shape": list(array.shape), "data_type": "uint8", "fill_value": 0,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3, 128, 128]}},
                "codecs": [{"name": "sharding_indexed", "configuration": {
                    "chunk_shape": [1, 64, 32], "index_location": "start",
                    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
                                     {"name": "crc32c"}],
                    "codecs": [{"name": "transpose", "configuration": {"order": [2, 0, 1]}},
                               {"name": "bytes"},
                               {"name": "blosc", "configuration": {
                                   "cname": "zstd", "clevel": 3, "shuffle": "bitshuffle",
                                   "typesize": 1, "blocksize": 0}}]}}]}}
    tensorstore.open(spec).result().write(array).result()


class Reader:
    def __init__(self, program, untiled):
        self.program = program
        self.untiled = untiled

    def check(self, folder, expected):
        """`expected` is [c, y, x]."""
        result = subprocess.run([self.program, folder], capture_output=True, check=False)
        pixels = np.frombuffer(result.stdout, np.uint8)
        same = pixels.size == expected.size and np.array_equal(
            pixels.reshape(*expected.shape[1:], 3), expected.transpose(1, 2, 0))
        expect(same, f"{folder} is read wrong: {result.stderr.decode()}")

    def refuses(self, folder, *words):
        result = subprocess.run([self.program, folder], capture_output=True, check=False, text=True)
        said = all(word in result.stderr for word in (str(folder), *words))
        expect(result.returncode == 3 and said, f"{folder}: {result.returncode} {result.stderr}")

    def info(self, folder):
        result = subprocess.run([self.untiled, "info", folder, "--json"], capture_output=True,
                                check=True, text=True)
        return json.loads(result.stdout)["slides"][0]


def check_inputs(reader, folder):
    rgb = pattern(3).astype(np.uint8)
    half = mean(rgb)
    blosc = zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")
    write_ome(folder / "cyx.zarr", "cyx", [rgb, half], chunks=(3, 64, 50), compressors=blosc)
    reader.check(folder / "cyx.zarr", rgb)
    deep = rgb[None, :, None]
    write_ome(folder / "tczyx.zarr", "tczyx", [deep], chunks=(1, 1, 1, 100, 90),
              compressors=zarr.codecs.GzipCodec(level=5))
    reader.check(folder / "tczyx.zarr", rgb)
    write_ome(folder / "yxc.zarr", "yxc", [rgb.transpose(1, 2, 0)], chunks=(70, 70, 3),
              compressors=zarr.codecs.ZstdCodec(level=3, checksum=True))
    reader.check(folder / "yxc.zarr", rgb)
    write_ome(folder / "sharded.zarr", "cyx", [rgb], chunks=(1, 32, 32), shards=(3, 128, 96))
    reader.check(folder / "sharded.zarr", rgb)
    write_with_tensorstore(folder / "tensorstore.zarr", rgb)
    reader.check(folder / "tensorstore.zarr", rgb)
    check_v2_inputs(reader, folder, rgb, half)
    check_sparse_inputs(reader, folder, rgb)
    check_layout(reader, folder, rgb)


def check_v2_inputs(reader, folder, rgb, half):
    import numcodecs
    for name, compressor in (("none", None), ("zlib", numcodecs.Zlib(3)),
                             ("gzip", numcodecs.GZip(3)), ("zstd", numcodecs.Zstd(3)),
                             ("blosc", numcodecs.Blosc("zstd", 3, numcodecs.Blosc.BITSHUFFLE))):
        path = folder / f"v2_{name}.zarr"
        write_ome(path, "cyx", [rgb, half], zarr_format=2, chunks=(1, 64, 64),
                  compressors=compressor)
        reader.check(path, rgb)
    write_ome(folder / "v2_dots.zarr", "cyx", [rgb], zarr_format=2, chunks=(3, 100, 64), order="F",
              chunk_key_encoding={"name": "v2", "separator": "."})
    reader.check(folder / "v2_dots.zarr", rgb)
    expect((folder / "v2_dots.zarr" / "0" / "0.0.0").exists(), "no dots in names of chunks")


def check_sparse_inputs(reader, folder, rgb):
    sparse = rgb.copy()
    sparse[:, 64:128, :64] = 9
    for name, options in (("sparse", {}), ("sparse_shards", {"shards": (3, 128, 128)})):
        write_ome(folder / f"{name}.zarr", "cyx", [sparse], chunks=(3, 64, 64), fill_value=9,
                  **options)
        reader.check(folder / f"{name}.zarr", sparse)
    expect(not (folder / "sparse.zarr" / "0" / "c" / "0" / "1" / "0").exists(), "nothing is missing")


def check_layout(reader, folder, rgb):
    """What bioformats2raw writes: image 0 of a group of images, five axes, channels apart."""
    root = folder / "raw2.zarr"
    zarr.create_group(str(root), zarr_format=2).attrs["bioformats2raw.layout"] = 3
    (root / "OME").mkdir()
    (root / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    levels = [rgb[None, :, None], mean(rgb)[None, :, None]]
    write_ome(root / "0", "tczyx", levels, zarr_format=2, chunks=(1, 1, 1, 128, 128))
    attributes = json.loads((root / "0" / ".zattrs").read_text())
    attributes["omero"] = {"channels": [
        {"label": label, "color": color} for label, color in
        (("Channel 0", "FF0000"), ("Channel 1", "00FF00"), ("Channel 2", "0000FF"))]}
    (root / "0" / ".zattrs").write_text(json.dumps(attributes))
    reader.check(root, rgb)
    write_ome(root / "1", "tczyx", levels[1:], zarr_format=2, chunks=(1, 1, 1, 128, 128))
    reader.check(root, rgb)


def check_facts(reader, folder):
    facts = reader.info(folder / "cyx.zarr")
    text = json.dumps(facts)
    for word in ('"ome-zarr"', '"zarr"', "0.5"):
        expect(word in text, f"info says no {word}: {text}")
    expect(len(facts["levels"]) == 2 and facts["levels"][1]["downsample"] == 2, text)
    rgb = pattern(3).astype(np.uint8)
    write_ome(folder / "mm.zarr", "cyx", [rgb], scales=[[1, 0.00025, 0.00025]], unit="millimeter")
    expect(abs(reader.info(folder / "mm.zarr")["mpp_x"] - 0.25) < 1e-9, "millimetres")
    write_ome(folder / "nounit.zarr", "cyx", [rgb], unit="furlong")
    expect(reader.info(folder / "nounit.zarr")["mpp_x"] is None, "an unknown unit gives a scale")


def check_refusals(reader, folder):
    rgb = pattern(3)
    for name, axes, array, words in (
            ("uint16", "cyx", rgb.astype(np.uint16), ("uint16",)),
            ("four", "cyx", pattern(4).astype(np.uint8), ("4 channels",)),
            ("times", "tcyx", np.stack([rgb, rgb]).astype(np.uint8), ("axis t has 2",)),
            ("grey", "yx", rgb[0].astype(np.uint8), ("(y, x)",))):
        write_ome(folder / f"{name}.zarr", axes, [array])
        reader.refuses(folder / f"{name}.zarr", *words)
    write_ome(folder / "dyes.zarr", "cyx", [rgb.astype(np.uint8)])
    group = zarr.open_group(str(folder / "dyes.zarr"))
    ome = dict(group.attrs["ome"])
    ome["omero"] = {"channels": [{"label": n, "color": c} for n, c in
                                 (("DAPI", "0000FF"), ("FITC", "00FF00"), ("Cy3", "FF0000"))]}
    group.attrs["ome"] = ome
    reader.refuses(folder / "dyes.zarr", "DAPI, FITC, Cy3")
    group.attrs["ome"] = ome | {"version": "0.6"}
    reader.refuses(folder / "dyes.zarr", "0.6")
    plate = zarr.create_group(str(folder / "plate.zarr"), zarr_format=3)
    plate.attrs["ome"] = {"version": "0.5", "plate": {"wells": []}}
    reader.refuses(folder / "plate.zarr", "plate")
    zarr.create_group(str(folder / "empty.zarr"), zarr_format=2)
    reader.refuses(folder / "empty.zarr", "multiscales")


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--untiled", "--samples", "--reader"):
        parser.add_argument(flag, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "ours").mkdir()
        check_outputs(arguments.samples, folder / "ours")
        reader = Reader(arguments.reader, arguments.untiled)
        for name in ("interleaved", "shards", "planar", "v04", "raw"):
            reader.check(folder / "ours" / f"{name}.ome.zarr", pattern(3).astype(np.uint8))
        reader.check(folder / "ours" / "plain.zarr", pattern(3).astype(np.uint8))
        check_inputs(reader, folder)
        check_refusals(reader, folder)
        if Path(arguments.untiled).exists():
            check_facts(reader, folder)
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
