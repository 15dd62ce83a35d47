"""label's OME-Zarr masks against its PNG, through zarr-python; Zarr slides through label; kills and
full disks leave nothing half-written."""

import argparse
import hashlib
import json
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "app"))
from untiled_app import App, Findings, write_slide  # noqa: E402

try:
    import numpy as np
    import ome_zarr_models
    import yaozarrs
    import zarr
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def files_under(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def label(app, slide, out, formats, *more):
    app.succeed("label", slide, "--out", out, "--mpp", "1", "--format", formats, *more)


def check_masks(app, folder, findings):
    write_slide(folder / "a.tif", rows=1500, cols=1300)
    masks = {}
    for version, name in (("0.5", "ome-zarr"), ("0.4", "ome-zarr-0.4")):
        out = folder / name
        label(app, folder / "a.tif", out, f"png,{name}")
        path = out / "a.tif.mask.ome.zarr"
        group = zarr.open_group(str(path), mode="r")
        ome_zarr_models.open_ome_zarr(group, version=version)
        yaozarrs.validate_zarr_store(str(path))
        attributes = dict(group.attrs)
        attributes = attributes.get("ome", attributes)
        colors = attributes["image-label"]["colors"]
        findings.expect([c["label-value"] for c in colors] == [0, 255], f"colours: {colors}")
        findings.expect(colors[1]["rgba"][3] == 255 and colors[1]["rgba"][:3] != [0, 0, 0], colors)
        masks[name] = group["0"][...]
        with Image.open(out / "a.tif.mask.png") as png:
            pixels = np.asarray(png)
        findings.expect(masks[name].shape == (1, *pixels.shape) and masks[name].dtype == np.uint8
                        and np.array_equal(masks[name][0], pixels), f"{name} is not the PNG")
        findings.expect(pixels.any(), "the mask is empty")
        again = folder / f"{name}_again"
        label(app, folder / "a.tif", again, f"png,{name}")
        findings.expect(files_under(path) == files_under(again / path.name), f"{name} changes")
        place = attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"]
        findings.expect(place[0]["scale"][1:] == [1.0, 1.0], f"{name} lies at {place}")
        findings.expect(place[1]["translation"][1:] == [0.25, 0.25], f"{name} lies at {place}")
    result = app.run("label", folder / "a.tif", "--out", folder / "both", "--format",
                     "ome-zarr,ome-zarr-0.4")
    findings.expect(result.returncode != 0 and "one name" in result.stderr, result.stderr)


def write_zarr_slide(path, pixels):
    """[y, x, c] as an OME-Zarr 0.5 image of zarr-python."""
    array = pixels.transpose(2, 0, 1)
    group = zarr.create_group(str(path), zarr_format=3)
    axes = [{"name": "c", "type": "channel"}] + [
        {"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 0.5, 0.5]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [
        {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]}
    stored = zarr.create_array(str(path / "0"), shape=array.shape, dtype=array.dtype,
                               chunks=(3, 256, 256))
    stored[...] = array


def check_slides(app, folder, findings):
    """A Zarr slide gives the mask of the TIFF with the same pixels; reuse sees its chunks."""
    pixels = write_slide(folder / "in" / "b.tif", rows=900, cols=800, seed=1)
    write_zarr_slide(folder / "in" / "b.ome.zarr", pixels)
    out = folder / "slides"
    for _ in range(2):
        app.succeed("label", folder / "in", "--out", out, "--format", "png,ome-zarr")
    report = json.loads((out / "report.json").read_text())["slides"]
    findings.expect([row["status"] for row in report] == ["ok", "ok"], report)
    masks = []
    for name in ("b.tif", "b.ome.zarr"):
        with Image.open(out / f"{name}.mask.png") as png:
            masks.append(np.asarray(png))
    findings.expect(np.array_equal(*masks), "TIFF and Zarr differ")
    timings = (out / "timings.csv").read_text()
    findings.expect(timings.count("reused,total") == 2, f"not reused: {timings}")
    zarr.open_array(str(folder / "in" / "b.ome.zarr" / "0"), mode="r+")[:, :64, :64] = 250
    app.succeed("label", folder / "in", "--out", out, "--format", "png,ome-zarr")
    timings = (out / "timings.csv").read_text()
    findings.expect(timings.count("reused,total") == 1, f"a changed chunk was not seen: {timings}")


def check_kills(app, folder, findings):
    write_slide(folder / "c.tif", rows=2600, cols=2400, seed=2)
    arguments = ("label", folder / "c.tif", "--mpp", "0.5", "--format", "ome-zarr", "--out")
    app.succeed(*arguments, folder / "whole")
    whole = files_under(folder / "whole" / "c.tif.mask.ome.zarr")
    out = folder / "killed"
    chance = random.Random(7)
    for _ in range(6):
        process = app.start(*arguments, out)
        time.sleep(chance.uniform(0.05, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = out / "c.tif.mask.ome.zarr"
        findings.expect(not found.exists() or files_under(found) == whole, "half a folder")
    app.succeed(*arguments, out)
    findings.expect(files_under(out / "c.tif.mask.ome.zarr") == whole, "another mask after kills")
    left = [path.name for path in out.iterdir() if path.name.endswith(".part")]
    findings.expect(not left, f"left over: {left}")


def check_full_disk(app, folder, findings):
    write_slide(folder / "d.tif", rows=700, cols=600, seed=3)
    out = folder / "full"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))  # noqa: E731
    result = app.run("label", folder / "d.tif", "--out", out, "--format", "ome-zarr",
                     preexec_fn=limit)
    findings.expect(result.returncode not in (0, -signal.SIGXFSZ), f"{result.returncode}")
    findings.expect("no space left" in result.stderr, result.stderr)
    found = [path.name for path in out.iterdir() if "zarr" in path.name]
    findings.expect(not found, f"a full disk leaves {found}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled", required=True)
    app = App(parser.parse_args().untiled)
    findings = Findings()
    for check in (check_masks, check_slides, check_kills, check_full_disk):
        with tempfile.TemporaryDirectory() as folder:
            check(app, Path(folder), findings)
    findings.close()


if __name__ == "__main__":
    main()
