"""Runs over slides that are OME-Zarr folders resume and say when a chunk has changed, and masks that other programs store
as Zarr teach what a PNG does."""

import sys
import time

from untiled_app import Image, main, metric_rows, np, results_of, tifffile, write_settings, write_slide

try:
    import zarr
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

SLIDES = ("a", "b")
SIDE = 900


def slide_in(folder, name):
    """By another name than its folder has: with a slash after it, as shells complete it."""
    return f"{folder / 'ome-zarr-0.4' / name}.tif.ome.zarr/"


def write_slides(app, folder):
    for number, name in enumerate(SLIDES):
        write_slide(folder / f"{name}.tif", SIDE, SIDE, seed=number)
    app.succeed("tile", *(folder / f"{name}.tif" for name in SLIDES), "--format", "ome-zarr-0.4", "--chunk", 128, "--out",
                folder / "ome-zarr-0.4")


def chunks_of(folder, name):
    """Files of level 0."""
    level = folder / "ome-zarr-0.4" / f"{name}.tif.ome.zarr" / "0"
    return [path for path in sorted(level.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def check_resume(app, folder, findings):
    """A run goes on to the same bytes, and says so when it is resumed with a slide from which a chunk is gone."""
    slides = [slide_in(folder, name) for name in SLIDES]
    run = folder / "runs" / "resumed"
    yaml = write_settings(folder / "resumed.yaml", slides[:1], run={"folder": str(run)},
                          data={"validation": [str(slide) for slide in slides[1:]]})
    app.succeed("train", yaml, "--set", "train.steps=2")
    app.succeed("train", yaml, "--resume")
    whole = folder / "runs" / "whole"
    app.succeed("train", yaml, "--out", whole)
    findings.expect(results_of(run)["checkpoints/last.safetensors"] == results_of(whole)["checkpoints/last.safetensors"],
                    "resumed over Zarr: other weights")
    chunk = chunks_of(folder, "a")[0]
    kept = chunk.read_bytes()
    chunk.unlink()
    said = app.run("train", yaml, "--resume", "--set", "train.steps=4").stderr
    findings.expect("slide a.tif.ome.zarr is not the file that this run began with" in said, f"a chunk is gone: {said}")
    chunk.write_bytes(kept)


def check_change_while_running(app, folder, findings):
    """Chunks that are sound and of another part of the slide."""
    yaml = write_settings(folder / "long.yaml", [slide_in(folder, name) for name in SLIDES],
                          run={"folder": str(folder / "runs" / "long")}, train={"steps": 100000})
    process = app.start("train", yaml)
    while metric_rows(folder / "runs" / "long") == 0 and process.poll() is None:
        time.sleep(0.05)
    first, *others = chunks_of(folder, "b")
    first.write_bytes(next(data for data in (other.read_bytes() for other in others) if data != first.read_bytes()))
    said = process.communicate(timeout=120)[1]
    findings.expect(process.returncode == 3 and "b.tif.ome.zarr was changed" in said.replace("/ was", " was"),
                    f"a chunk changed under a run: {process.returncode} {said[-400:]}")


def store_label(path, mask, kind):
    """A label image as others write it: 64-bit numbers under a slide's labels, or an array alone."""
    if kind == "array":
        zarr.save_array(str(path), mask.astype(np.int32), zarr_format=2)
        return path
    group = zarr.open_group(str(path / "labels" / "tissue"), mode="w", zarr_format=3)
    axes = [{"name": name, "type": "space"} for name in "yx"]
    transform = [{"type": "scale", "scale": [1.0, 1.0]}]
    group.attrs["ome"] = {"version": "0.5", "image-label": {}, "multiscales": [
        {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": transform}]}]}
    array = group.create_array("0", shape=mask.shape, chunks=(100, 130), dtype="int64", dimension_names=["y", "x"])
    array[...] = mask
    return path / "labels" / "tissue"


def check_masks(app, folder, findings):
    """Weights from masks that others store, beside those from PNGs of the same values."""
    slides = [slide_in(folder, name) for name in SLIDES]
    planes = [(np.asarray(tifffile.imread(folder / f"{name}.tif", key=0))[..., 1] < 200) for name in SLIDES]
    planes = [255 * plane.astype(np.uint8) for plane in planes]
    masks = {kind: [store_label(folder / "stores" / f"{kind}-{i}.zarr", plane, kind) for i, plane in enumerate(planes)]
             for kind in ("array", "label")}
    masks["png"] = [folder / f"{name}.mask.png" for name in SLIDES]
    for path, plane in zip(masks["png"], planes):
        Image.fromarray(plane).save(path)
    results = {}
    for kind, files in masks.items():
        manifest = folder / f"masks-{kind}.csv"
        rows = [f"{slide},{mask},{split}" for slide, mask, split in zip(slides, files, ("train", "val"))]
        manifest.write_text("\n".join(["slide,mask,split", *rows]) + "\n")
        run = folder / "runs" / f"masks-{kind}"
        app.succeed("train", write_settings(folder / f"masks-{kind}.yaml", [], run={"folder": str(run)},
                                            data={"manifest": str(manifest), "slides": []}, labels={"method": "mask"}))
        results[kind] = [results_of(run)[name] for name in ("metrics.csv", "checkpoints/last.safetensors")]
    for kind, found in results.items():
        findings.expect(found == results["png"], f"trained with masks as {kind}: other results")


def check(app, folder, findings):
    write_slides(app, folder)
    check_resume(app, folder, findings)
    check_masks(app, folder, findings)
    check_change_while_running(app, folder, findings)


main(check)
