"""Every verb does with a slide that is an OME-Zarr folder what it does with an OME-TIFF of the same pixels and levels,
and with a mask that is one what it does with a PNG."""

import sys
import time

from untiled_app import (Image, files_of, main, metric_rows, np, outputs_of, results_of, write_settings, write_slide)

try:
    import zarr
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

SLIDES = ("a", "b")
SIDE = 900
FORMS = {"ome-zarr": ("--shard", "512"), "ome-zarr-0.4": ()}


def slide_in(folder, name, form):
    """By another name than its folder has: with a slash after it, as shells complete it."""
    if form == "ome-tiff":
        return folder / form / f"{name}.tif.ome.tif"
    return f"{folder / form / name}.tif.ome.zarr/"


def write_slides(app, folder):
    for number, name in enumerate(SLIDES):
        write_slide(folder / f"{name}.tif", SIDE, SIDE, seed=number)
    sources = [folder / f"{name}.tif" for name in SLIDES]
    for form, flags in (("ome-tiff", ()), *FORMS.items()):
        app.succeed("tile", *sources, "--format", form, "--chunk", 128, *flags, "--out", folder / form)


def mask_bytes(folder):
    """PNG masks in the order of their slides, whose names differ."""
    names = sorted(name for name in outputs_of(folder) if name.endswith(".mask.png"))
    return [outputs_of(folder)[name] for name in names]


def chunks_of(folder, name):
    """Files of level 0."""
    level = folder / "ome-zarr-0.4" / f"{name}.tif.ome.zarr" / "0"
    return [path for path in sorted(level.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def check_training(app, folder, findings):
    """Weights, scores and masks, the pixels read from the slide at each step or kept in RAM."""
    runs = {}
    for form in ("ome-tiff", *FORMS):
        slides = [slide_in(folder, name, form) for name in SLIDES]
        for cache in ("none", "ram"):
            run = folder / "runs" / f"{form}-{cache}"
            yaml = write_settings(folder / f"{form}-{cache}.yaml", slides[:1], run={"folder": str(run)},
                                  data={"cache": cache, "validation": [str(slide) for slide in slides[1:]]})
            app.succeed("plan", yaml)
            app.succeed("train", yaml)
            runs[form, cache] = {name: data for name, data in results_of(run).items() if name != "validation.csv"}
        app.succeed("export", "--checkpoint", run / "checkpoints" / "last.safetensors", "--out", folder / "masks" / form,
                    *slides)
    expected = runs["ome-tiff", "none"]
    findings.expect("metrics.csv" in expected and "checkpoints/last.safetensors" in expected, f"results: {list(expected)}")
    for key, found in runs.items():
        same = [name for name in ("metrics.csv", "checkpoints/last.safetensors") if found[name] == expected[name]]
        findings.expect(len(same) == 2, f"{key}: only {same} equal those of the TIFF")
    masks = {form: mask_bytes(folder / "masks" / form) for form in ("ome-tiff", *FORMS)}
    for form in FORMS:
        findings.expect(len(masks[form]) == 2 and masks[form] == masks["ome-tiff"], f"export of {form}: other masks")


def check_resume(app, folder, findings):
    """A run goes on to the same bytes, and says so when it is resumed with a slide from which a chunk is gone."""
    slides = [slide_in(folder, name, "ome-zarr-0.4") for name in SLIDES]
    run = folder / "runs" / "resumed"
    yaml = write_settings(folder / "resumed.yaml", slides[:1], run={"folder": str(run)},
                          data={"validation": [str(slide) for slide in slides[1:]]})
    app.succeed("train", yaml, "--set", "train.steps=2")
    app.succeed("train", yaml, "--resume")
    whole = results_of(folder / "runs" / "ome-zarr-0.4-none")
    findings.expect(results_of(run)["checkpoints/last.safetensors"] == whole["checkpoints/last.safetensors"],
                    "resumed over Zarr: other weights")
    chunk = chunks_of(folder, "a")[0]
    kept = chunk.read_bytes()
    chunk.unlink()
    said = app.run("train", yaml, "--resume", "--set", "train.steps=4").stderr
    findings.expect("slide a.tif.ome.zarr is not the file that this run began with" in said, f"a chunk is gone: {said}")
    chunk.write_bytes(kept)


def check_change_while_running(app, folder, findings):
    """Chunks that are sound and of another part of the slide."""
    yaml = write_settings(folder / "long.yaml", [slide_in(folder, name, "ome-zarr-0.4") for name in SLIDES],
                          run={"folder": str(folder / "runs" / "long")}, train={"steps": 100000})
    process = app.start("train", yaml)
    while metric_rows(folder / "runs" / "long") == 0 and process.poll() is None:
        time.sleep(0.05)
    first, *others = chunks_of(folder, "b")
    first.write_bytes(next(data for data in (other.read_bytes() for other in others) if data != first.read_bytes()))
    said = process.communicate(timeout=120)[1]
    findings.expect(process.returncode == 3 and "b.tif.ome.zarr was changed" in said.replace("/ was", " was"),
                    f"a chunk changed under a run: {process.returncode} {said[-400:]}")


def check_other_verbs(app, folder, findings):
    outs = {}
    for form in ("ome-tiff", *FORMS):
        slides = [slide_in(folder, name, form) for name in SLIDES]
        app.succeed("label", *slides, "--out", folder / "labels" / form)
        outs[form] = mask_bytes(folder / "labels" / form)
        manifest = folder / f"{form}.csv"
        rows = [f"{slide},{folder}/labels/ome-tiff/{name}.tif.ome.tif.mask.png" for name, slide in zip(SLIDES, slides)]
        manifest.write_text("\n".join(["slide,mask", *rows]) + "\n")
        scores = app.json("evaluate", "--checkpoint", folder / "runs" / "ome-tiff-none" / "checkpoints" / "last.safetensors",
                          "--manifest", manifest)
        outs[form].append([scores[name] for name in sorted(scores) if isinstance(scores[name], float)])
        app.succeed("verify", "--slide", slides[0], "--size", "300x200")
        app.succeed("label", *slides, "--deidentify", "--out", folder / "hidden" / form)
        findings.expect(b"tif.ome" not in b"".join(files_of(folder / "hidden" / form).values()), f"{form}: named")
        facts = app.json("info", slides[0])["slides"][0]
        outs[form].append((facts["width"], facts["height"], facts["mpp_x"]))
    for form in FORMS:
        findings.expect(len(outs[form]) == 4 and outs[form] == outs["ome-tiff"], f"{form}: {outs[form][2:]}, "
                        f"of the TIFF {outs['ome-tiff'][2:]}, or other labels")
    mask = np.asarray(Image.open(folder / "labels" / "ome-zarr" / "a.tif.ome.zarr.mask.png"))
    findings.expect(0.05 < (mask != 0).mean() < 0.95, "a label of nothing")


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
    """Weights from masks of every form, and the scores of a folder of masks."""
    slides = [slide_in(folder, name, "ome-tiff") for name in SLIDES]
    masks = {"png": [folder / "masks" / "png" / f"{slide.name}.mask.png" for slide in slides]}
    for form in ("png", *FORMS):
        app.succeed("export", "--checkpoint", folder / "runs" / "ome-tiff-none" / "checkpoints" / "last.safetensors",
                    "--format", form, "--out", folder / "masks" / form, *slides)
    for form in FORMS:
        masks[form] = [f"{folder}/masks/{form}/{slide.name}.mask.ome.zarr/" for slide in slides]
    planes = [np.asarray(Image.open(mask)) for mask in masks["png"]]
    findings.expect(all(set(np.unique(plane)) == {0, 255} for plane in planes), "the masks are of one value")
    for kind in ("array", "label"):
        masks[kind] = [store_label(folder / "stores" / f"{kind}-{i}.zarr", plane, kind) for i, plane in enumerate(planes)]
    results = {}
    for form, files in masks.items():
        manifest = folder / f"masks-{form}.csv"
        rows = [f"{slide},{mask},{split}" for slide, mask, split in zip(slides, files, ("train", "val"))]
        manifest.write_text("\n".join(["slide,mask,split", *rows]) + "\n")
        run = folder / "runs" / f"masks-{form}"
        app.succeed("train", write_settings(folder / f"masks-{form}.yaml", [], run={"folder": str(run)},
                                            data={"manifest": str(manifest), "slides": []}, labels={"method": "mask"}))
        results[form] = [results_of(run)[name] for name in ("metrics.csv", "checkpoints/last.safetensors")]
        scored = folder / "masks" / form if form in FORMS else folder / "masks" / "png"
        scores = app.json("evaluate", "--masks", scored, "--manifest", manifest)
        findings.expect(all(slide["dice"] == 1 for slide in scores["slides"]), f"masks as {form} beside themselves: {scores}")
    for form, found in results.items():
        findings.expect(found == results["png"], f"trained with masks as {form}: other results")


def check(app, folder, findings):
    write_slides(app, folder)
    check_training(app, folder, findings)
    check_resume(app, folder, findings)
    check_other_verbs(app, folder, findings)
    check_masks(app, folder, findings)
    check_change_while_running(app, folder, findings)


main(check)
