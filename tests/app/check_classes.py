"""Three classes from masks: training, export by value, reading the export back; and --deidentify."""

import json
import platform

from untiled_app import (MPP, Image, files_of, main, np, tifffile, write_settings, write_slide)
import network

CLASSES = [{"name": "glass", "value": 1, "color": [240, 240, 240]},
           {"name": "tissue", "value": 0, "color": [200, 60, 120], "weight": 2.0},
           {"name": "nuclei", "value": 7, "color": [60, 0, 120]}]
IGNORE = 9


def class_mask(pixels):
    """Values as the settings name them, from colours; the first rows are ignored."""
    red, green = pixels[..., 0].astype(int), pixels[..., 1].astype(int)
    values = np.where(green > 200, 1, np.where(red > 160, 0, 7)).astype(np.uint8)
    values[:20] = IGNORE
    return values


def check_run(app, folder, findings):
    lines = ["slide,mask,split,mpp"]
    for i, split in enumerate(("train", "train", "val")):
        pixels = write_slide(folder / f"s{i}.tif", 500 + 60 * i, 450, seed=i)
        Image.fromarray(class_mask(pixels)).save(folder / f"m{i}.png")
        lines.append(f"s{i}.tif,m{i}.png,{split},{MPP}")
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    yaml = write_settings(
        folder / "classes.yaml", [], labels={"method": "mask"},
        data={"manifest": str(folder / "slides.csv"), "slides": [], "classes": CLASSES,
              "ignore": IGNORE},
        train={"steps": 40, "validate_every": 0, "checkpoint_every": 40,
               "schedule": {"name": "one_cycle"}})
    app.succeed("train", yaml, "--out", folder / "run")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    findings.expect(summary["losses"][-1] < 0.8 * summary["losses"][0],
                    f"the loss went from {summary['losses'][0]} to {summary['losses'][-1]}")
    return yaml


def check_export(app, folder, findings):
    out = folder / "masks"
    report = app.json("export", "--checkpoint", folder / "run/checkpoints/last.safetensors",
                      "--format", "png,probability", "--probability-type", "float32", "--level", 0,
                      "--out", out, folder / "s2.tif", folder / "s1.tif")
    with Image.open(out / "s2.tif.mask.png") as png:
        values = np.asarray(png)
        findings.expect(png.text["untiled:classes"] == "1=glass,0=tissue,7=nuclei", "class names")
    probabilities = tifffile.imread(out / "s2.tif.probability.tif")
    findings.expect(probabilities.shape == (3, *values.shape), f"shape {probabilities.shape}")
    findings.expect(np.allclose(probabilities.sum(0), 1, atol=1e-5), "probabilities add up to 1")
    best = np.array([1, 0, 7], np.uint8)[probabilities.argmax(0)]
    margin = np.sort(probabilities, 0)
    clear = margin[-1] - margin[-2] > 1e-5
    findings.expect(np.array_equal(best[clear], values[clear]), "the mask is the largest probability")
    expected = network.predict(folder / "run/checkpoints/last.safetensors",
                               tifffile.imread(folder / "s2.tif"))
    error = np.abs(expected - probabilities).max()
    findings.expect(error < 1e-5, f"probabilities differ from NumPy's by {error}")
    parts = report["slides"][0]["fractions"]
    for name, value in (("glass", 1), ("tissue", 0), ("nuclei", 7)):
        findings.expect(abs(parts[name] - (values == value).mean()) < 1e-9, f"fraction of {name}")


def check_read_back(app, folder, findings):
    """What was exported can be trained from: its values are the settings' own."""
    (folder / "again.csv").write_text(
        f"slide,mask,split,mpp\ns2.tif,masks/s2.tif.mask.png,train,{MPP}\n")
    yaml = write_settings(folder / "again.yaml", [], labels={"method": "mask"},
                          data={"manifest": str(folder / "again.csv"), "slides": [],
                                "classes": CLASSES, "ignore": 255}, train={"steps": 1})
    app.succeed("train", yaml, "--out", folder / "again")


def check_deidentified(app, folder, findings):
    slide = folder / "MRN-4711-Meyer.tif"
    write_slide(slide)
    yaml = write_settings(folder / "private.yaml", [slide])
    run = folder / "anonymous"
    app.succeed("train", yaml, "--deidentify", "--out", run)
    secrets = [b"Meyer", b"MRN-4711", str(folder).encode()]
    host = json.dumps(platform.node()).encode()
    provenance = (run / "provenance.json").read_bytes()
    findings.expect(host not in provenance, f"provenance.json names the host {host.decode()}")
    for name, data in files_of(run).items():
        for secret in secrets:
            found = secret in data or secret.decode() in name
            findings.expect(not found, f"{name} holds {secret.decode()!r}")
    for verb in (["label"], ["export", "--checkpoint", run / "checkpoints/last.safetensors"]):
        out = folder / f"anonymous-{verb[0]}"
        report = json.dumps(app.json(*verb, "--deidentify", "--out", out, slide)).encode()
        report = report.replace(str(out).encode(), b"")
        names = b" ".join(name.encode() for name in files_of(out))
        for secret in secrets:
            findings.expect(secret not in report and secret not in names,
                            f"{verb[0]} shows {secret.decode()!r}")
    app.succeed("train", yaml, "--deidentify", "--resume", "--out", run,
                "--set", "train.steps=4")


def check(app, folder, findings):
    check_run(app, folder, findings)
    check_export(app, folder, findings)
    check_read_back(app, folder, findings)
    check_deidentified(app, folder, findings)


main(check)
