"""data.stain: networks see the pixels that tile --filter macenko writes, train and export alike with them wherever they
come from, and keep their Dice on slides of other stains."""

import json

import numpy as np
import tifffile
from safetensors import safe_open
from safetensors.numpy import load_file

from untiled_app import Image, MPP, draw_tissue, main, outputs_of, write_settings, write_slide

MACENKO = "data.stain.method=macenko"
RESNET = {"model": {"kind": "resnet", "depth": 10, "width": 4}, "train": {"loss": "cross_entropy", "steps": 2, "batch": 2}}


def sets(*settings):
    return [word for setting in settings for word in ("--set", setting)]


def write_lossless(path, pixels):
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb", compression="zlib",
                     resolution=(1e4 / MPP, 1e4 / MPP), resolutionunit="CENTIMETER", metadata=None)


def middle(image, rows, cols):
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - cols) // 2
    return image[top:top + rows, left:left + cols]


def normalised(app, folder, slides, reference):
    """The slides as tile writes them, by name."""
    out = folder / "tiled"
    app.succeed("tile", *slides, "--filter", "macenko", "--stain", reference, "--format", "tiff", "--out", out)
    return {slide.stem: out / (slide.name + ".tif") for slide in slides}


def check_pixels(app, folder, slides, tiled, reference, findings):
    """verify writes what the network saw, and stays exact."""
    one = slides[0]
    dump = folder / "seen.safetensors"
    image = tifffile.imread(tiled[one.stem], key=0)
    for extra in ((), ("model.kind=resnet", "model.depth=10", "model.width=4", "data.labels=[a,b]",
                       "train.loss=cross_entropy")):
        flags = sets(MACENKO, f"data.stain.reference={reference}", *extra)
        found = app.json("verify", "--slide", one, "--size", "301x211", "--tile", 64, "--dump", dump, *flags)
        findings.expect(found["passed"], f"verify of normalised pixels {extra}: {found}")
        seen = np.round(load_file(dump)["input"][0].transpose(1, 2, 0) * 255).astype(np.uint8)
        findings.expect(np.array_equal(seen, middle(image, 301, 211)), f"verify sees other pixels than tile's {extra}")
    raw = tifffile.imread(one)
    findings.expect((image != raw).any(axis=2).mean() > 0.3, "the slide is not one that macenko changes")


def check_levels(app, folder, findings):
    """Stains are those of the level or scale that is read, of all of it where a region is trained on."""
    slide = folder / "pyramid.tif"
    app.succeed("synth", "--size", "1100x1300", "--mpp", MPP, "--seed", 3, "--stain", "red", "--out", slide)
    for choice, setting in ((("--level", 1), "data.level=1"), (("--mpp", 1.3), "data.mpp=1.3")):
        out, dump = folder / "reduced", folder / "reduced.safetensors"
        app.succeed("tile", slide, *choice, "--filter", "macenko", "--format", "tiff", "--codec", "none", "--out", out)
        image = tifffile.imread(out / "pyramid.tif.tif", key=0)
        app.succeed("verify", "--slide", slide, "--size", "150x190", "--dump", dump, *sets(MACENKO, setting))
        seen = np.round(load_file(dump)["input"][0].transpose(1, 2, 0) * 255).astype(np.uint8)
        findings.expect(np.array_equal(seen, middle(image, 150, 190)), f"{setting}: verify sees other pixels than tile's")


def train(app, yaml, out, *settings, flags=()):
    app.succeed("train", yaml, "--out", out, *flags, *sets(*settings))
    return load_file(out / "checkpoints" / "last.safetensors"), (out / "metrics.csv").read_bytes()


def equal(one, other):
    return one[1] == other[1] and all(np.array_equal(one[0][k], other[0][k]) for k in one[0])


def masks_manifest(path, slides, masks, labels=()):
    rows = [f"{s},{m},train,{label}" for s, m, label in zip(slides, masks, labels or [""] * len(slides))]
    path.write_text("slide,mask,split,label\n" + "\n".join(rows) + "\n")
    return path


def check_training(app, folder, slides, tiled, reference, findings):
    """The same weights whether slides are normalised on the way or were before, with any cache and ranks."""
    masks = []
    for slide in slides:
        masks.append(slide.with_suffix(".mask.png"))
        Image.fromarray(np.where(tifffile.imread(slide)[..., 1] < 215, 255, 0).astype(np.uint8)).save(masks[-1])
    on_the_way = masks_manifest(folder / "raw.csv", slides, masks)
    before = masks_manifest(folder / "before.csv", tiled.values(), masks)
    yaml = write_settings(folder / "unet.yaml", [], data={"manifest": str(on_the_way), "slides": []},
                          labels={"method": "mask"}, run={"scratch": str(folder)})
    stain = (MACENKO, f"data.stain.reference={reference}")
    expected = train(app, yaml, folder / "before", f"data.manifest={before}")
    first = train(app, yaml, folder / "none", *stain)
    findings.expect(equal(first, expected), "training on normalised slides and with data.stain differ")
    for cache, flags in (("ram", ("--ranks", "threads:2")), ("disk", ())):
        found = train(app, yaml, folder / cache, *stain, f"data.cache={cache}", flags=flags)
        findings.expect(equal(found, expected), f"data.stain with cache {cache} {flags} gives other weights")
    labels = masks_manifest(folder / "labels.csv", slides, [""] * 2, ["a", "b"])
    labels_before = masks_manifest(folder / "labels-before.csv", tiled.values(), [""] * 2, ["a", "b"])
    resnet = write_settings(folder / "resnet.yaml", [], data={"manifest": str(labels), "slides": [], "labels": ["a", "b"]},
                            **RESNET)
    expected = train(app, resnet, folder / "resnet-before", f"data.manifest={labels_before}")
    found = train(app, resnet, folder / "resnet", *stain, "data.cache=ram")
    findings.expect(equal(found, expected), "a classifier with data.stain differs from one on normalised slides")
    return yaml, on_the_way, before


def check_checkpoint(app, folder, slides, tiled, reference, manifests, findings):
    """export and evaluate do what was done in training without being told, and refuse to be told otherwise."""
    yaml, on_the_way, before = manifests
    kept = json.loads(reference.read_text())
    best = folder / "none" / "checkpoints" / "last.safetensors"
    with safe_open(best, "np") as file:
        stain = json.loads(file.metadata()["stain"])
    findings.expect(stain == {"method": "macenko", "vectors": kept["vectors"], "high": kept["high"]}, f"kept: {stain}")
    moved = reference.rename(folder / "moved.json")
    for name in ("none", "resnet"):
        outputs = []
        for run, inputs in ((name, slides[:1]), ("before" if name == "none" else "resnet-before", [tiled[slides[0].stem]])):
            out = folder / f"export-{run}"
            app.succeed("export", *inputs, "--checkpoint", folder / run / "checkpoints" / "last.safetensors", "--out", out,
                        *(() if name == "resnet" else ("--format", "png")))
            outputs.append(sorted(data for file, data in outputs_of(out).items() if file.endswith((".png", ".probability.tif"))))
        findings.expect(outputs[0] and outputs[0] == outputs[1], f"export of {name}: other outputs than of a normalised slide")
    scores = [app.json("evaluate", "--checkpoint", folder / run / "checkpoints" / "last.safetensors", "--manifest", manifest)
              for run, manifest in (("none", on_the_way), ("before", before))]
    findings.expect(scores[0]["mean"] == scores[1]["mean"], f"evaluate: {scores[0]['mean']} and {scores[1]['mean']}")
    again = app.json("export", slides[0], "--checkpoint", best, "--out", folder / "export-none", "--format", "png")
    findings.expect("seconds" not in again["slides"][0], "export with data.stain is not reused")
    for verb in (("export", slides[0], "--out", folder / "refused"), ("evaluate", "--manifest", on_the_way)):
        for setting in ("data.stain.method=none", f"data.stain.reference={moved}"):
            result = app.run(*verb, "--checkpoint", best, *sets(setting))
            findings.expect(result.returncode == 2 and "stains are the checkpoint's" in result.stderr, f"{setting}: {result.stderr}")
    result = app.run("train", yaml, "--out", folder / "none", "--resume", *sets(MACENKO, "train.steps=4"))
    findings.expect(result.returncode == 2 and "data.stain.reference was" in result.stderr, f"resume: {result.stderr}")
    app.succeed("train", yaml, "--out", folder / "none", "--resume",
                *sets(MACENKO, f"data.stain.reference={moved}", "train.steps=4"))
    written = (folder / "none" / "settings.yaml").read_text()
    findings.expect("moved.json" not in written and str(kept["high"][0]) in written, "settings.yaml holds the numbers")


def check_blank(app, folder, checkpoint, findings):
    blank = folder / "blank.tif"
    pixels = np.random.default_rng(1).integers(238, 250, (300, 320, 3), dtype=np.uint8)
    write_lossless(blank, pixels)
    dump = folder / "blank.safetensors"
    result = app.run("verify", "--slide", blank, "--size", "300x320", "--dump", dump, *sets(MACENKO))
    findings.expect(result.returncode == 0 and "too little tissue to tell its stains" in result.stderr, f"blank: {result.stderr}")
    seen = np.round(load_file(dump)["input"][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    findings.expect(np.array_equal(seen, pixels), "a blank slide's pixels are changed")
    said = app.json("export", blank, "--checkpoint", checkpoint, "--out", folder / "blank", "--format", "png")
    findings.expect(any("too little tissue" in w for w in said["slides"][0]["warnings"]), f"blank: {said['slides'][0]}")


def check_plan(app, slides, findings):
    plan = app.json("plan", *sets(f"data.slides=[{slides[0]}]", MACENKO, "threads=2"))
    without = app.json("plan", *sets(f"data.slides=[{slides[0]}]", "threads=2"))
    findings.expect(plan["memory"]["stains"] == 64 << 20 and without["memory"]["stains"] == 0, f"plan: {plan['memory']}")
    findings.expect(plan["counting_bytes"] >= 256 << 20 and "counting_bytes" not in without, "plan: counting")
    for settings, text in (((MACENKO, "memory_budget=100MiB"), "count a slide's colours"),
                           (("data.stain.method=reinhard",), "none, macenko"),
                           (("data.stain.reference=absent.json",), "absent.json"),
                           ((f"data.stain.reference={slides[0]}",), "does not hold saved stains"),
                           (("data.stain.reference={vectors: [[1, 0, 0], [1, 0, 0]], high: [1, 1]}",), "no two stains")):
        result = app.run("plan", *sets(f"data.slides=[{slides[0]}]", *settings))
        findings.expect(result.returncode == 2 and text in result.stderr, f"{settings}: {result.returncode} {result.stderr}")


def synthesize(app, folder, name, seed, stain):
    """A synthetic slide without its pen marks, whose ink is a third stain to Macenko's statistics."""
    drawn = folder / "drawn.tif"
    app.succeed("synth", "--size", "800x800", "--seed", seed, "--stain", stain, "--out", drawn)
    pixels = tifffile.imread(drawn, key=0)
    mask = np.asarray(Image.open(folder / "drawn.mask.png"))
    pixels[(mask == 0) & (pixels.min(axis=2) < 215)] = (242, 242, 243)
    write_lossless(folder / f"{name}.tif", pixels)
    Image.fromarray(mask).save(folder / f"{name}.png")
    return folder / f"{name}.tif", folder / f"{name}.png"


def check_other_stains(app, folder, findings):
    learnt = [synthesize(app, folder, f"learnt{seed}", seed, "usual") for seed in (1, 2, 3)]
    manifest = masks_manifest(folder / "learn.csv", *zip(*learnt))
    tests = {stain: masks_manifest(folder / f"{stain}.csv", *zip(synthesize(app, folder, stain, 5, stain)))
             for stain in ("usual", "blue", "red")}
    yaml = write_settings(folder / "learn.yaml", [], data={"manifest": str(manifest), "slides": [], "cache": "ram"},
                          labels={"method": "mask"}, augment={"flip": False, "stain": 0.0}, threads=1,
                          train={"steps": 60, "validate_every": 0, "optimizer": {"name": "adam", "learning_rate": 1e-2}})
    for method in ("none", "macenko"):
        run = folder / f"learn-{method}"
        app.succeed("train", yaml, "--out", run, *sets(f"data.stain.method={method}"))
        dice = {stain: app.json("evaluate", "--checkpoint", run / "checkpoints" / "last.safetensors", "--manifest", rows)["mean"]["dice"]
                for stain, rows in tests.items()}
        print(f"data.stain.method {method}: Dice " + ", ".join(f"{stain} {value:.4f}" for stain, value in dice.items()), flush=True)
        if method == "macenko":
            findings.expect(dice["usual"] > 0.95 and max(abs(dice["usual"] - d) for d in dice.values()) <= 0.02,
                            f"macenko keeps the Dice on other stains: {dice}")


def check(app, folder, findings):
    slides = [folder / "one.tif", folder / "two.tif"]
    write_slide(slides[0], 420, 380, 1)
    darker = draw_tissue(380, 400, 2).astype(float) / 255
    write_lossless(slides[1], np.round(255 * darker ** [1.3, 1.1, 1.5]).astype(np.uint8))
    reference = folder / "reference.json"
    write_slide(folder / "like.tif", 300, 300, 4)
    app.succeed("tile", folder / "like.tif", "--filter", "macenko", "--save-stain", reference, "--out", folder / "like")
    tiled = normalised(app, folder, slides, reference)
    check_pixels(app, folder, slides, tiled, reference, findings)
    check_levels(app, folder, findings)
    manifests = check_training(app, folder, slides, tiled, reference, findings)
    check_checkpoint(app, folder, slides, tiled, reference, manifests, findings)
    check_blank(app, folder, folder / "none" / "checkpoints" / "last.safetensors", findings)
    check_plan(app, slides, findings)
    check_other_stains(app, folder, findings)


if __name__ == "__main__":
    main(check)
