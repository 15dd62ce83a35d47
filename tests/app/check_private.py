"""--deidentify: no byte of what a run or a batch writes holds a name, a path or the host."""

import base64
import getpass
import platform
import signal
import time
import zlib

from private_search import imagecodecs, layers, search
from untiled_app import Image, files_of, main, metric_rows, np, write_settings, write_slide

FORMATS = "png,ome-tiff,tiff,geojson,preview"
TILES = ("ome-zarr", "ome-zarr-0.4", "zarr", "ome-tiff", "tiff")


def check_search(findings):
    """The search itself finds what is packed twice."""
    packed = b"IDAT" + zlib.compress(b"a;base64," + base64.b64encode(zlib.compress(b"..Meyer.." * 9)))
    findings.expect(any(b"Meyer" in layer for layer in layers(packed)), "the search sees nothing")
    zstd = imagecodecs.zstd_encode(b"..Meyer.." * 9)
    findings.expect(any(b"Meyer" in layer for layer in layers(b"tags" + zstd)), "zstd is not seen")


def inputs(folder):
    ward = folder / "Station-Zeppelin"
    slide, other = ward / "MRN-4711-Meyer.tif", ward / "Schulze-0815.tif"
    for i, path in enumerate((slide, other)):
        pixels = write_slide(path, 500 + 40 * i, 480, seed=i)
        mask = (pixels[..., 1] < 200).astype(np.uint8)
        Image.fromarray(mask).save(ward / f"Befund-Quandt-{i}.png")
    manifest = ward / "Kohorte-Ypsilon.csv"
    manifest.write_text("slide,mask,split,group\n"
                        "MRN-4711-Meyer.tif,Befund-Quandt-0.png,train,Xaver\n"
                        "Schulze-0815.tif,Befund-Quandt-1.png,val,Yvonne\n")
    return ward, slide, other, manifest


def secrets_of(folder):
    """What no output may hold: parts of names, this folder, the machine and its user."""
    secrets = ["Zeppelin", "Meyer", "MRN-", "Schulze", "Quandt", "Ypsilon", "Xaver", "Yvonne",
               "geheim", str(folder)]
    common = ("localhost", "debian", "root", "user", "runner", "ubuntu")
    for name in (platform.node(), getpass.getuser()):
        if len(name) > 3 and name not in common:
            secrets.append(name)
    return secrets


def train(app, folder, ward, slides, manifest):
    """A run and its resumption, one that is killed, and one over two ranks."""
    slide, other = slides
    yaml = write_settings(folder / "geheim.yaml", [slide], data={"validation": [str(other)]})
    run = folder / "run"
    app.succeed("train", yaml, "--deidentify", "--out", run)
    app.succeed("train", yaml, "--deidentify", "--resume", "--out", run, "--set", "train.steps=4")
    masks = folder / "masks.yaml"
    write_settings(masks, [], data={"manifest": str(manifest), "slides": []},
                   run={"scratch": str(ward)}, train={"steps": 2000})
    killed = folder / "killed"
    process = app.start("train", masks, "--deidentify", "--out", killed)
    while process.poll() is None and metric_rows(killed) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    app.succeed("train", yaml, "--deidentify", "--ranks", "threads:2", "--out", folder / "ranks")
    return run / "checkpoints" / "last.safetensors"


def apply(app, folder, ward, slides, manifest, checkpoint):
    """Batches with a slide that fails, in every format."""
    broken = ward / "Broken-Zeppelin.svs"
    broken.write_bytes(b"II*\0nothing")
    inputs = (*slides, broken)
    app.run("label", "--deidentify", "--method", "robust", "--format", FORMATS, "--out",
            folder / "label", *inputs)
    export = ("export", "--checkpoint", checkpoint, "--deidentify", "--format")
    app.run(*export, FORMATS + ",probability", "--out", folder / "export", *inputs)
    app.run(*export, "ome-zarr,probability-ome-zarr", "--out", folder / "zarr", *inputs)
    app.run(*export, "ome-zarr-0.4", "--ranks", "threads:2", "--out", folder / "zarr04", *inputs)
    evaluate = ("evaluate", "--checkpoint", checkpoint, "--manifest", manifest, "--deidentify")
    app.succeed(*evaluate, "--out", folder / "evaluation")
    app.succeed(*evaluate, "--ranks", "threads:2", "--out", folder / "ranked")
    return ["label", "export", "zarr", "zarr04", "evaluation", "ranked"]


def tile(app, folder, slides, broken):
    """Filtered slides in every format, and saved stains."""
    for name in TILES:
        app.run("tile", *slides, broken, "--deidentify", "--filter", "macenko", "--format", name,
                "--chunk", 128, "--out", folder / f"tile-{name}")
    stains = folder / "stains"
    stains.mkdir()
    app.succeed("tile", slides[0], "--deidentify", "--filter", "macenko", "--save-stain",
                stains / "reference.json", "--format", "zarr", "--out", stains)
    return [f"tile-{name}" for name in TILES] + ["stains"]


def stained(app, folder, slides):
    """A run whose slides are made to look like saved stains."""
    yaml = write_settings(folder / "geheim-stain.yaml", slides, train={"steps": 1}, data={
        "stain": {"method": "macenko", "reference": str(folder / "stains" / "reference.json")}})
    app.succeed("train", yaml, "--deidentify", "--out", folder / "stained")
    return ["stained"]


def classify(app, folder, ward, slides):
    """A classifier's run, scores and maps, on one rank and on two."""
    manifest = ward / "Klassen-Ypsilon.csv"
    manifest.write_text("slide,label,split,group\nMRN-4711-Meyer.tif,a,train,Xaver\n"
                        "Schulze-0815.tif,b,train,Yvonne\nSchulze-0816.tif,b,val,Zeppelin\n")
    write_slide(ward / "Schulze-0816.tif", 300, 260, seed=5)
    yaml = write_settings(folder / "geheim-klassen.yaml", [], augment={"flip": False, "stain": 0},
                          model={"kind": "resnet", "depth": 10, "width": 2},
                          train={"steps": 2, "loss": "cross_entropy"}, run={"scratch": str(ward)},
                          data={"manifest": str(manifest), "slides": [], "labels": ["a", "b"]})
    written = []
    for name, ranks in (("class", ()), ("class2", ("--ranks", "threads:2"))):
        run = folder / name
        app.succeed("train", yaml, "--deidentify", "--out", run, *ranks)
        checkpoint = run / "checkpoints" / "last.safetensors"
        app.succeed("evaluate", "--checkpoint", checkpoint, "--manifest", manifest, "--deidentify",
                    "--out", folder / f"{name}-scores", *ranks)
        app.run("export", "--checkpoint", checkpoint, "--deidentify", "--out",
                folder / f"{name}-maps", *slides, ward / "Broken-Zeppelin.svs", *ranks)
        written += [name, f"{name}-scores", f"{name}-maps"]
    return written


def measure(app, folder, ward):
    out = folder / "bench"
    out.mkdir()
    app.succeed("bench", "tiles", "--size", "600x500", "--repeats", 1, "--scratch", ward, "--out",
                out / "tiles.json")
    app.succeed("bench", "compare", out / "tiles.json", "--out", out / "compared")
    app.succeed("bench", "run", "--quick", "--scratch", ward, "--out", out / "run.json")
    return ["bench"]


def check(app, folder, findings):
    check_search(findings)
    ward, slide, other, manifest = inputs(folder)
    slides = (slide, other)
    checkpoint = train(app, folder, ward, slides, manifest)
    names = ["run", "killed", "ranks"]
    names += apply(app, folder, ward, slides, manifest, checkpoint)
    names += tile(app, folder, slides, ward / "Broken-Zeppelin.svs")
    names += stained(app, folder, slides)
    names += classify(app, folder, ward, slides)
    names += measure(app, folder, ward)
    secrets = secrets_of(folder)
    for name in names:
        findings.expect(files_of(folder / name), f"{name} wrote nothing")
        search(folder / name, secrets, findings)


main(check)
