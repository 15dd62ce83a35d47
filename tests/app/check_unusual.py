"""Inputs and options that people have by mistake: each is refused, or warned of, before it does harm."""

import csv
import json
import shutil

from untiled_app import Image, files_of, main, np, tifffile, write_settings, write_slide

USAGE, DATA = 2, 3


def fails(app, findings, code, words, *arguments):
    result = app.run(*arguments)
    what = " ".join(map(str, arguments))
    findings.expect(result.returncode == code, f"{what}: exit {result.returncode}: {result.stderr[-300:]}")
    for word in words:
        findings.expect(word in result.stderr, f"{what}: no {word!r} in {result.stderr[-300:]}")
    findings.expect(result.stderr.count("error: ") == 1, f"{what}: errors: {result.stderr[-300:]}")


def check_saved_stains(app, folder, findings):
    """--save-stain replaces saved stains, and never a slide or another file."""
    slide, text = folder / "a.tif", folder / "notes.txt"
    text.write_text("patients")
    before = slide.read_bytes()
    out = folder / "tiles"
    for target in (slide, text, folder):
        fails(app, findings, USAGE, ["--save-stain", "not replaced"], "tile", slide, "--filter",
              "macenko", "--save-stain", target, "--out", out)
    findings.expect(slide.read_bytes() == before and text.read_text() == "patients",
                    "--save-stain changed a file that was there")
    findings.expect(not files_of(out), f"a refused tile left {list(files_of(out))}")
    stains = folder / "stains.json"
    for _ in range(2):
        app.succeed("tile", slide, "--filter", "macenko", "--save-stain", stains, "--out", out)


def check_scales(app, folder, findings):
    for mpp in ("1e-9", "1e9", "nan", "0", "-1"):
        fails(app, findings, USAGE, ["mpp"], "tile", folder / "a.tif", "--mpp", mpp, "--out",
              folder / "scaled")
    for sigma in ("nan", "inf", "1e9"):
        fails(app, findings, USAGE, ["gaussian"], "tile", folder / "a.tif", "--filter",
              f"gaussian:{sigma}", "--out", folder / "scaled")
    for size in ("0x5", "4000000000x4000000000", "10000000x10000000", "x", "5"):
        fails(app, findings, USAGE, ["--size"], "verify", "--size", size)
    app.succeed("tile", folder / "a.tif", "--mpp", 100, "--format", "tiff", "--out", folder / "small")


def square(low, high):
    return {"type": "Feature", "properties": {"classification": {"name": "Tissue"}}, "geometry": {
        "type": "Polygon", "coordinates": [[[low, low], [high, low], [high, high], [low, low]]]}}


def check_doubtful_labels(app, folder, findings):
    """Beside a sound slide: annotations in another unit, a TIFF mask whose 255 are ignored, a smoothed PNG mask."""
    for name in ("b.tif", "c.tif", "d.tif"):
        shutil.copyfile(folder / "a.tif", folder / name)
    for name, feature in (("sound", square(10, 200)), ("tiny", square(0.1, 0.4))):
        (folder / f"{name}.geojson").write_text(json.dumps(feature))
    mask = np.zeros((300, 280), np.uint8)
    mask[50:200, 50:200] = 255
    tifffile.imwrite(folder / "mask.tif", mask, tile=(128, 128))
    small = Image.fromarray(mask).resize((70, 75))
    small.resize((280, 300), Image.BILINEAR).save(folder / "smooth.png")
    manifest = folder / "doubtful.csv"
    manifest.write_text("slide,mask\na.tif,sound.geojson\nb.tif,tiny.geojson\nc.tif,mask.tif\n"
                        "d.tif,smooth.png\n")
    settings = write_settings(folder / "doubtful.yaml", [], train={"steps": 1}, data={
        "manifest": str(manifest), "slides": [], "classes": [{"name": "Tissue", "value": 1}]},
        labels={"method": "mask"})
    result = app.run("train", settings, "--out", folder / "doubtful")
    findings.expect(result.returncode == 0, f"train: exit {result.returncode}: {result.stderr[-300:]}")
    for words in (("tiny.geojson", "1 of its 1 annotations are smaller than a pixel"),
                  ("mask.tif", "all of its values but 0 are ignored (255)"),
                  ("smooth.png", "values and more, as a mask does that was smoothed")):
        found = [line for line in result.stderr.splitlines() if all(w in line for w in words)]
        findings.expect(len(found) == 1, f"{words}: {result.stderr[-600:]}")


def check_class_names(app, folder, findings):
    """Names of a classifier's classes: two that are one file name, and one that is no UTF-8."""
    cohort = folder / "cohort"
    app.succeed("synth", "--cohort", 2, "--size", "256x256", "--seed", 1, "--out", cohort)
    with open(cohort / "manifest.csv", encoding="utf-8") as file:
        slides = [row["slide"] for row in csv.DictReader(file)]

    def settings(names):
        manifest, yaml = cohort / "named.csv", cohort / "named.yaml"
        rows = "".join(f'{slide},"{name}"\n' for slide, name in zip(slides, names))
        manifest.write_bytes(b"slide,label\n" + rows.encode("latin-1"))
        write_settings(yaml, [], model={"kind": "resnet", "depth": 10, "width": 2},
                       data={"manifest": str(manifest), "labels": ["LEFT", "RIGHT"], "slides": []},
                       augment={"flip": False, "stain": 0}, train={"steps": 1, "loss": "cross_entropy"})
        text = yaml.read_text().replace("LEFT", names[0]).replace("RIGHT", names[1])
        yaml.write_bytes(text.encode("latin-1"))
        return yaml

    run = folder / "named"
    one = settings(("a", "b"))
    (cohort / "named.csv").write_text("slide,label\n" + "".join(f"{s},a\n" for s in slides))
    fails(app, findings, DATA, ["one class", "none of b"], "train", one, "--out", run)
    fails(app, findings, USAGE, ["data.labels[1]", "UTF-8"], "train", settings(("a", "caf\xe9")),
          "--out", run)
    app.succeed("train", settings(("a/b", "a_b")), "--out", run)
    fails(app, findings, DATA, ["a/b", "a_b"], "export", "--checkpoint",
          run / "checkpoints" / "last.safetensors", "--out", folder / "maps", cohort / slides[0])
    findings.expect(not files_of(folder / "maps"), "a refused export wrote files")
    for flags in (("--format", "geojson"), ("--threshold", "0.5"), ("--preview",)):
        fails(app, findings, USAGE, [flags[0], "classifier"], "export", "--checkpoint",
              run / "checkpoints" / "last.safetensors", "--out", folder / "maps", *flags,
              cohort / slides[0])


def check_foreign_texts(app, folder, findings):
    """A manifest and annotations in Latin-1, and paths of Windows: named for what they are."""
    (folder / "latin1.csv").write_bytes("slide\na.tif\nGeschw\xfcr.tif\n".encode("latin-1"))
    result = app.run("info", folder / "latin1.csv")
    findings.expect("latin1.csv: is no UTF-8 text" in result.stderr and "CSV UTF-8" in result.stderr,
                    f"a manifest in Latin-1: {result.stderr[-300:]}")
    (folder / "latin1.geojson").write_bytes(json.dumps({**square(10, 200), "id": "Geschw\xfcr"},
                                                       ensure_ascii=False).encode("latin-1"))
    (folder / "drawn.csv").write_text("slide,mask\na.tif,latin1.geojson\n")
    (folder / "masks").mkdir()
    Image.fromarray(np.zeros((300, 300), np.uint8)).save(folder / "masks" / "a.tif.mask.png")
    fails(app, findings, DATA, ["latin1.geojson", "is no UTF-8 text", "save it as UTF-8"], "evaluate",
          "--masks", folder / "masks", "--manifest", folder / "drawn.csv")
    (folder / "windows.csv").write_text("slide\nC:\\slides\\a.tif\n")
    fails(app, findings, DATA, ["is a path of Windows"], "info", folder / "windows.csv")


def check_unread_columns(app, folder, findings):
    """A split in a column of another name is not read, and that is said; so are many columns."""
    known = ("slide,Mask,split,group,mpp,region,label", "case_id,slide_id")
    for header, row, words in (
            ("slide,set,patient", "a.tif,test,p1", "left out what is not read, columns set, patient;"),
            ("slide,splits", "a.tif,test", "column splits;"),
            ("slide," + ",".join(f"c{i}" for i in range(30)), "a.tif" + 30 * ",1", "c7 and 22 more;"),
            (known[0], "a.tif,,,,,,", ""), (known[1], "p1,a.tif", ""), (",slide", "0,a.tif", "")):
        (folder / "columns.csv").write_text(f"{header}\n{row}\n")
        result = app.run("info", folder / "columns.csv")
        said = "not read" in result.stderr
        findings.expect(result.returncode == 0 and said == bool(words) and words in result.stderr,
                        f"columns {header[:40]}: {result.returncode} {result.stderr[-300:]}")


def check_long_names(app, folder, findings):
    """A name that fits the file system, whose outputs' names would not: they are cut, with a hash."""
    slides = folder / "long"
    slides.mkdir()
    for name in ("x" * 246 + ".tif", "\u5207" * 80 + ".tif"):
        shutil.copyfile(folder / "a.tif", slides / name)
    checkpoint = folder / "long_run" / "checkpoints" / "last.safetensors"
    settings = write_settings(folder / "long.yaml", [slides / "*.tif"], train={"steps": 1})
    app.succeed("train", settings, "--set", "labels.min_object_um2=100", "--out", folder / "long_run")
    for verb, *flags in (("label", "--format", "png,ome-tiff,ome-zarr,geojson,preview"),
                         ("tile", "--format", "ome-zarr"),
                         ("export", "--checkpoint", checkpoint, "--format", "png,probability-ome-zarr")):
        out = folder / f"long_{verb}"
        app.succeed(verb, slides, "--out", out, *flags)
        with open(out / "report.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        written = [row["status"] for row in rows if row["status"] in ("ok", "empty") and row["outputs"]]
        findings.expect(len(written) == 2, f"{verb}: {rows}")
        findings.expect(all(len(row["slide_id"].encode()) <= 170 for row in rows), f"{verb}: {rows}")


def check_two_verbs(app, folder, findings):
    """Two verbs in one folder would replace each other's masks and reports: the second is refused."""
    out = folder / "both"
    app.succeed("label", folder / "a.tif", "--method", "otsu", "--out", out)
    before = files_of(out)
    fails(app, findings, USAGE, [str(out), "reports of label", "tile would replace"], "tile",
          folder / "a.tif", "--out", out)
    findings.expect(files_of(out) == before, "a refused verb changed the folder")
    app.succeed("label", folder / "a.tif", "--method", "otsu", "--out", out)


def check_pages(app, folder, findings):
    """Names in bench files reach neither a page nor a terminal as escapes or markup."""
    name = "<script>alert(1)</script>\x1b[31m\u202e|\n# a"
    (folder / "bench.json").write_text(json.dumps(
        {"name": name, "kind": "published", "source": name, "tiles": [
            {"job": name, "tool": name, "pixels": 10, "median_seconds": 1}], "steps": [
            {"name": "default", "rows": 9, "columns": 9, "median_seconds": 1}]}))
    printed = app.succeed("bench", "compare", folder / "bench.json", "--out", folder / "compared")
    for text in (printed, (folder / "compared" / "comparison.md").read_text(encoding="utf-8")):
        for bad in ("\x1b", "\u202e", "<script", "\n# a"):
            findings.expect(bad not in text, f"compare shows {bad!r}")
        findings.expect("alert(1)" in text, "the machine is not in the comparison")


def check_empty_names(app, folder, findings):
    """An empty variable of the shell is no folder; what is out of a range is said in a line."""
    here = folder / "here"
    here.mkdir()
    slide = folder / "a.tif"
    for verb in (["label", slide], ["tile", slide], ["synth", "--size", "100x100"]):
        result = app.run(*verb, "--out", "", cwd=here)
        findings.expect(result.returncode == USAGE and "--out" in result.stderr and not any(here.iterdir()),
                        f"{verb[0]} --out '': {result.returncode} {result.stderr[-300:]} {list(here.iterdir())}")
    for verb in ("label", "tile"):
        result = app.run(verb, slide, "--level", -1, "--out", folder / "o")
        findings.expect(result.returncode == USAGE and "--level" in result.stderr and len(result.stderr) < 200,
                        f"{verb} --level -1: {result.returncode} {result.stderr[:300]}")
    fails(app, findings, USAGE, ["--shard 262144", "more than 4096 chunks"], "tile", slide, "--chunk", 16, "--shard",
          262144, "--out", folder / "o")


def check_few_pixels(app, folder, findings):
    """A dark picture of some pixels has too few blocks for a surface of its background."""
    y, x = np.mgrid[0:16, 0:16]
    pixels = np.stack([x // 2, y // 2, 128 + 4 * x], -1).astype(np.uint8)
    tifffile.imwrite(folder / "few.tif", pixels, photometric="rgb", tile=(16, 16))
    app.succeed("label", folder / "few.tif", "--out", folder / "few", "--format", "png")


def check_labels_of_slides(app, folder, findings):
    """What a classifier's manifest may lack: said by plan already, and by evaluate."""
    for name in ("x1.tif", "y1.tif", "x2.tif"):
        write_slide(folder / name, 100, 90, seed=len(name))
    yaml = folder / "classifier.yaml"
    yaml.write_text(json.dumps({
        "run": {"folder": str(folder / "classified")}, "data": {"manifest": str(folder / "slides.csv"),
                                                               "labels": ["x", "y"]},
        "model": {"kind": "resnet", "depth": 10, "width": 2}, "train": {"steps": 1, "loss": "cross_entropy"},
        "threads": 1, "memory_budget": "1GiB"}))

    def manifest(*rows, header="slide,label,split"):
        (folder / "slides.csv").write_text("\n".join((header, *rows)) + "\n")

    for row, words in (("y1.tif,,train", ["y1.tif", "found nothing"]), ("y1.tif,z,train", ["found 'z'"]),
                       ("y1.tif,x,train", ["all slides for training are of one class"])):
        manifest("x1.tif,x,train", row)
        for verb in ("plan", "train"):
            fails(app, findings, DATA, words, verb, yaml)
    manifest('x1.tif,x,"0,0,1,1"', 'y1.tif,y,"0,0,1,1"', header="slide,label,region")
    fails(app, findings, USAGE, ["one pixel a channel", "train.batch"], "train", yaml)
    manifest("x1.tif,x,train", "y1.tif,y,train", "x2.tif,x,val")
    result = app.run("train", yaml, "--out", folder / "classifier")
    findings.expect(result.returncode == 0 and "no slide for validation is of the class y" in result.stderr,
                    f"a class without slides for validation: {result.returncode} {result.stderr[-300:]}")
    checkpoint = folder / "classifier" / "checkpoints" / "last.safetensors"
    manifest("x1.tif,x,train", "y1.tif,,train", "x2.tif,,train")
    result = app.run("evaluate", "--checkpoint", checkpoint, "--manifest", folder / "slides.csv")
    findings.expect(result.returncode == 0 and "left out 2 rows with nothing in the column label" in result.stderr,
                    f"rows without a class: {result.returncode} {result.stderr[-300:]}")
    damage(checkpoint, folder / "damaged.safetensors")
    fails(app, findings, DATA, ["running_var", "below 0"], "export", "--checkpoint", folder / "damaged.safetensors",
          folder / "x1.tif", "--out", folder / "o")


def damage(checkpoint, target):
    """A classifier whose first running variance is negative, without the check sum that would tell."""
    data = bytearray(checkpoint.read_bytes())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    del header["__metadata__"]["check_sum"]
    tensors = data[8 + size:]
    name = next(key for key in header if key.endswith("running_var"))
    begin, _ = header[name]["data_offsets"]
    tensors[begin:begin + 4] = np.float32(-5).tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(len(text).to_bytes(8, "little") + text + tensors)


def check(app, folder, findings):
    write_slide(folder / "a.tif", 300, 280)
    for part in (check_empty_names, check_few_pixels, check_labels_of_slides, check_saved_stains, check_scales, check_doubtful_labels, check_class_names,
                 check_pages, check_foreign_texts, check_unread_columns, check_long_names, check_two_verbs):
        part(app, folder, findings)


main(check)
