"""Every OME-Zarr that the program writes, opened and validated by libraries that are not ours: zarr-python 3
and 2, TensorStore, zarrs, ome-zarr-py, ome-zarr-models and yaozarrs, and by the specification's own schemas.
All read the same numbers."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

from untiled_app import main, np, tifffile, write_settings, write_slide

try:
    import ome_zarr_models
    import tensorstore
    import yaozarrs
    import zarr
    import zarrs  # noqa: F401 (registers its pipeline)
    from ome_schemas import faults_of, schema_faults
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

try:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader
except ImportError as missing:
    print(f"ome-zarr-py is left out: {missing}")
    Reader = None

PIPELINES = {"zarr-python": "zarr.core.codec_pipeline.BatchedCodecPipeline",
             "zarrs": "zarrs.ZarrsCodecPipeline"}
# By zarr-python 2, in a process of its own: sizes, types and sums of an image's levels.
SUMS = """
import json, sys, zarr
assert zarr.__version__.startswith("2."), zarr.__version__
group = zarr.open_group(sys.argv[1], mode="r")
levels = [group[d["path"]][...] for d in group.attrs["multiscales"][0]["datasets"]]
print(json.dumps([[list(a.shape), str(a.dtype), float(a.astype("f8").sum())] for a in levels]))
"""


def by_tensorstore(folder):
    driver = "zarr3" if (folder / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": f"{folder}/"}}
    return tensorstore.open(spec, read=True).result().read().result()


def by_zarr(folder, pipeline):
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        return zarr.open_array(str(folder), mode="r")[...]


def read_level(folder, is_v3, findings):
    """What zarr-python reads, after the others have read the same."""
    names = ("zarr-python", "zarrs") if is_v3 else ("zarr-python",)
    found = {name: by_zarr(folder, PIPELINES[name]) for name in names}
    found["TensorStore"] = by_tensorstore(folder)
    first = found["zarr-python"]
    for name, pixels in found.items():
        same = pixels.dtype == first.dtype and np.array_equal(pixels, first)
        findings.expect(same, f"{name} reads {folder} as {pixels.dtype} {pixels.shape}")
    return first


def check_schemas_see_faults(attributes, version, findings):
    """What is right stops being so when a part of it is taken away or made wrong."""
    ome = attributes.get("ome", attributes)
    for part in ("axes", "datasets", "type", "metadata", "name"):
        broken = copy.deepcopy(attributes)
        del broken.get("ome", broken)["multiscales"][0][part]
        findings.expect(faults_of(broken, version), f"the schemas of {version} want no {part}")
    broken = copy.deepcopy(attributes)
    broken.get("ome", broken)["multiscales"][0]["datasets"][-1]["coordinateTransformations"].pop(0)
    findings.expect(faults_of(broken, version), f"the schemas of {version} want no scale")
    if "image-label" in ome:
        broken = copy.deepcopy(attributes)
        broken.get("ome", broken)["image-label"]["colors"][0]["rgba"][3] = 256
        findings.expect(faults_of(broken, version), f"the schemas of {version} know no colours")


def check_store(folder, zarr2, findings):
    """Level 0 of a multiscale image."""
    is_v3 = (folder / "zarr.json").exists()
    version = "0.5" if is_v3 else "0.4"
    group = zarr.open_group(str(folder), mode="r")
    ome_zarr_models.open_ome_zarr(group, version=version)
    yaozarrs.validate_zarr_store(str(folder))
    faults = schema_faults(folder)
    findings.expect(not faults, "; ".join(faults))
    attributes = dict(group.attrs)
    check_schemas_see_faults(attributes, version, findings)
    image = attributes.get("ome", attributes)["multiscales"][0]
    levels = [read_level(folder / d["path"], is_v3, findings) for d in image["datasets"]]
    if Reader is not None:
        (node, *_) = list(Reader(parse_url(str(folder)))())
        same = len(node.data) == len(levels) and all(
            np.array_equal(np.asarray(a), b) for a, b in zip(node.data, levels))
        findings.expect(same, f"ome-zarr-py reads {folder} otherwise")
    if not is_v3 and (zarr2 / "zarr").exists():
        said = subprocess.run([sys.executable, "-c", SUMS, folder], check=True, text=True,
                              capture_output=True, env={**os.environ, "PYTHONPATH": str(zarr2)})
        expected = [[list(a.shape), str(a.dtype), float(a.astype("f8").sum())] for a in levels]
        findings.expect(json.loads(said.stdout) == expected, f"zarr-python 2: {said.stdout}")
    return levels[0]


def check_tiles(app, folder, zarr2, findings):
    pixels = tifffile.imread(folder / "a.tif")
    runs = {"plain": (), "planar": ("--planar",), "shards": ("--shard", "256"),
            "gzip": ("--codec", "gzip"), "none": ("--codec", "none"),
            "v04": ("--format", "ome-zarr-0.4"),
            "none04": ("--format", "ome-zarr-0.4", "--codec", "none")}
    for name, flags in runs.items():
        out = folder / f"tile-{name}"
        app.succeed("tile", folder / "a.tif", "--chunk", 128, "--out", out, *flags)
        found = check_store(out / "a.tif.ome.zarr", zarr2, findings)
        findings.expect(np.array_equal(found.transpose(1, 2, 0), pixels), f"tile {name}: other pixels")
    for name, form in (("floats", "ome-zarr"), ("floats04", "ome-zarr-0.4")):
        out = folder / name
        app.succeed("tile", folder / "a.tif", "--filter", "sobel", "--format", form, "--chunk", 128,
                    "--out", out)
        found = check_store(out / "a.tif.ome.zarr", zarr2, findings)
        findings.expect(found.dtype == np.float32, f"sobel is written as {found.dtype}")


def check_masks(app, folder, zarr2, findings):
    app.succeed("train", write_settings(folder / "t.yaml", [folder / "a.tif"], train={"steps": 2}),
                "--out", folder / "run")
    checkpoint = folder / "run" / "checkpoints" / "last.safetensors"
    verbs = {"label": ("label",), "export": ("export", "--checkpoint", checkpoint),
             "ranks": ("export", "--checkpoint", checkpoint, "--ranks", "threads:2")}
    for name, verb in verbs.items():
        for form in ("ome-zarr", "ome-zarr-0.4"):
            out = folder / f"{name}-{form}"
            app.succeed(*verb, folder / "a.tif", "--format", form, "--out", out)
            mask = check_store(out / "a.tif.mask.ome.zarr", zarr2, findings)
            findings.expect(mask.dtype == np.uint8 and mask.ndim == 3, f"{name}: {mask.dtype}")
    for kind in ("uint8", "float32"):
        out = folder / kind
        app.succeed(*verbs["export"], folder / "a.tif", "--format", "probability-ome-zarr",
                    "--probability-type", kind, "--out", out)
        found = check_store(out / "a.tif.probability.ome.zarr", zarr2, findings)
        findings.expect(str(found.dtype) == kind, f"probabilities of {kind} are {found.dtype}")


def check(app, folder, findings):
    zarr2 = Path(os.environ.get("UNTILED_ZARR2", ""))
    print("zarr-python 2 is left out" if not (zarr2 / "zarr").exists() else "zarr-python 2 reads 0.4")
    write_slide(folder / "a.tif", 700, 600)
    check_tiles(app, folder, zarr2, findings)
    check_masks(app, folder, zarr2, findings)


main(check)
