"""evaluate's scores against NumPy's, on masks and GeoJSON of known overlap."""

import csv
import json
import os
import shutil
import sys

from untiled_app import Image, files_of, main, np, tifffile

try:
    import zarr
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def box(rows, cols, top, left, height, width):
    mask = np.zeros((rows, cols), np.uint8)
    mask[top:top + height, left:left + width] = 255
    return mask


def save(path, pixels):
    Image.fromarray(pixels).save(path)


def scores(reference, prediction):
    a, b = reference > 0, prediction > 0
    both, either = (a & b).sum(), (a | b).sum()
    return {"dice": 2 * both / (a.sum() + b.sum()), "iou": both / either,
            "precision": both / b.sum(), "recall": both / a.sum()}


def square(x, y, width, height):
    return {"type": "Polygon", "coordinates": [[[x, y], [x + width, y], [x + width, y + height],
                                                [x, y + height], [x, y]]]}


def check_several_classes(app, folder, findings):
    """Masks of several classes are compared without settings for training."""
    masks = folder / "two"
    masks.mkdir()
    save(folder / "two.png", np.full((300, 400, 3), 240, np.uint8))
    tumor = [box(300, 400, 50, 60, 100, 200), box(300, 400, 80, 60, 100, 150)]
    for path, mask in zip((folder / "two.ref.png", masks / "two.png.mask.png"), tumor):
        save(path, np.where(mask > 0, 1, 2).astype(np.uint8))
    manifest = folder / "two.csv"
    manifest.write_text("slide,mask\ntwo.png,two.ref.png\n")
    report = app.json("evaluate", "--masks", masks, "--manifest", manifest, "--set",
                      "data.classes=[{name: Tumor, value: 1}, {name: Stroma, value: 2}]")
    dice = report["slides"][0]["classes"]["Tumor"]["dice"]
    findings.expect(abs(dice - scores(*tumor)["dice"]) < 1e-12, f"Tumor: Dice {dice}")


def check_absent_classes(app, folder, findings):
    """References without a pixel of a class, or with other values than its own, are warned of in every form."""
    masks = folder / "absent"
    masks.mkdir()
    save(folder / "absent.png", np.full((300, 400, 3), 240, np.uint8))
    tissue = box(300, 400, 50, 60, 100, 200)
    save(masks / "absent.png.mask.png", tissue // 255)
    for value, warned in ((1, False), (0, True), (2, True), (255, True)):
        values = tissue // 255 * np.uint8(value)
        save(folder / "reference.png", values)
        tifffile.imwrite(folder / "reference.tif", values)
        for ending in ("png", "tif"):
            (folder / "absent.csv").write_text(f"slide,mask\nabsent.png,reference.{ending}\n")
            result = app.run("evaluate", "--masks", masks, "--manifest", folder / "absent.csv",
                             "--set", "data.classes=[{name: Tumor, value: 1}]")
            said = "no reference holds a pixel of Tumor" in result.stderr
            findings.expect(result.returncode == 0 and said == warned,
                            f"{ending} of {value}: {result.returncode} {result.stderr[-300:]}")


def lasting(out):
    """All that must repeat byte for byte."""
    return {name: data for name, data in files_of(out).items()
            if name != "timings.csv" and not name.endswith(".seconds.json")}


def done_in(out):
    """The slides that the last run with this folder scored itself."""
    with open(out / "timings.csv", newline="", encoding="utf-8") as file:
        return {row["slide_id"] for row in csv.DictReader(file) if row["action"] == "computed"}


def make_batch(folder, count):
    """Slides with masks of different sizes in a folder, and a manifest with their references."""
    (folder / "masks").mkdir(parents=True)
    rows = ["slide,mask,split"]
    for i in range(count):
        save(folder / f"s{i}.png", np.full((300, 400, 3), 240, np.uint8))
        save(folder / f"s{i}.ref.png", box(300, 400, 50, 60, 100, 200))
        save(folder / "masks" / f"s{i}.png.mask.png", box(300, 400, 50, 60, 20 + 10 * i, 200))
        rows.append(f"s{i}.png,s{i}.ref.png,test")
    (folder / "references.csv").write_text("\n".join(rows) + "\n")
    return ("evaluate", "--masks", folder / "masks", "--manifest", folder / "references.csv")


def touch_later(path):
    """A file's time is part of what it was."""
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000_000))


def check_reuse(app, folder, findings):
    """What is done is not done again, until something that decides it has changed."""
    command = (*make_batch(folder, 8), "--worst", 3)
    alone = app.json(*command)
    out = folder / "out"
    findings.expect(app.json(*command, "--out", out) == alone, "--out changes the report")
    findings.expect(len(done_in(out)) == 8, f"a first run does {done_in(out)}")
    worst = {path.name for path in (out / "worst").iterdir()}
    findings.expect(worst == {"s0.png.png", "s1.png.png", "s2.png.png"}, f"worst: {worst}")
    before = lasting(out)
    findings.expect(json.loads(before["evaluation.json"]) == alone, "evaluation.json")
    findings.expect(app.json(*command, "--out", out) == alone and not done_in(out),
                    f"a second run does {done_in(out)}")
    findings.expect(lasting(out) == before, "a second run changes files")
    save(folder / "masks" / "s0.png.mask.png", box(300, 400, 50, 60, 100, 200))
    touch_later(folder / "masks" / "s0.png.mask.png")
    touch_later(folder / "s1.ref.png")
    (out / "s2.png.comparison.png").unlink()
    report = app.json(*command, "--out", out)
    findings.expect(done_in(out) == {"s0.png", "s1.png", "s2.png"}, f"done again: {done_in(out)}")
    findings.expect(report["slides"][0]["dice"] == 1 and report["slides"][1:] == alone["slides"][1:],
                    "scores after a change")
    worst = {path.name for path in (out / "worst").iterdir()}
    findings.expect(worst == {"s1.png.png", "s2.png.png", "s3.png.png"}, f"the worst now: {worst}")
    app.json(*command, "--out", out, "--set", "labels.unannotated=background")
    findings.expect(len(done_in(out)) == 8, f"other settings: {done_in(out)}")


def replace_array(path, mask):
    shutil.rmtree(path, ignore_errors=True)
    zarr.save_array(str(path), mask)


def check_changed_folders(app, folder, findings):
    """A reference or a mask that is a Zarr folder decides a score as a file does."""
    command = (*make_batch(folder, 1), "--out", folder / "out")
    (folder / "masks" / "s0.png.mask.png").unlink()
    mask = folder / "masks" / "s0.png.mask.ome.zarr"
    for height in (60, 100):
        replace_array(mask, box(300, 400, 50, 60, height, 200))
        dice = app.json(*command)["slides"][0]["dice"]
        findings.expect(abs(dice - 2 * height / (height + 100)) < 1e-12, f"a mask of {height} rows: Dice {dice}")
    reference = folder / "s0.ref.zarr"
    (folder / "references.csv").write_text("slide,mask,split\ns0.png,s0.ref.zarr,test\n")
    for height in (50, 100):
        replace_array(reference, box(300, 400, 50, 60, height, 200))
        dice = app.json(*command)["slides"][0]["dice"]
        findings.expect(abs(dice - 2 * height / (height + 100)) < 1e-12, f"a reference of {height} rows: Dice {dice}")


def check_failures(app, folder, findings):
    """A slide that fails is a row, the others are scored, and the next run does it alone."""
    command = (*make_batch(folder, 4), "--out", folder / "out")
    (folder / "s1.png").unlink()
    lost = folder / "masks" / "s2.png.mask.png"
    mask = lost.read_bytes()
    lost.unlink()
    result = app.run(*command, "--json")
    report = json.loads(result.stdout)
    status = [slide["status"] for slide in report["slides"]]
    findings.expect(result.returncode == 4 and result.stderr.count("error: ") == 2 and
                    status == ["ok", "failed", "failed", "ok"] and report["failed"] == 2,
                    f"exit {result.returncode}, {status}: {result.stderr}")
    findings.expect("no mask of s2.png" in report["slides"][2]["reason"], f"{report['slides'][2]}")
    with open(folder / "out" / "evaluation.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    codes = [row["reason_code"] for row in rows]
    findings.expect(codes == ["", "missing", "unreadable", ""], f"reason codes {codes}")
    dice = [row["dice"] and float(row["dice"]) for row in rows]
    findings.expect(dice == [slide.get("dice", "") for slide in report["slides"]], f"Dice {dice}")
    page = (folder / "out" / "evaluation.html").read_text(encoding="utf-8")
    findings.expect(f"Dice {dice[0]:.4f}" in page and "no mask of s2.png" in page, "the page lacks scores")
    lost.write_bytes(mask)
    result = app.run(*command)
    findings.expect(result.returncode == 4 and done_in(folder / "out") == {"s1.png", "s2.png"},
                    f"exit {result.returncode}, done: {done_in(folder / 'out')}")


def check_shared_folder(app, folder, findings):
    """Parts, and processes side by side, come to what one run does."""
    command = make_batch(folder, 6)
    app.succeed(*command, "--out", folder / "whole")
    expected = lasting(folder / "whole")
    for i in (1, 2):
        app.succeed(*command, "--out", folder / "parts", "--shard", f"{i}/2")
    findings.expect(lasting(folder / "parts") == expected, "two parts differ from one run")
    pair = [app.start(*command, "--out", folder / "pair") for _ in range(2)]
    codes = [process.wait() for process in pair]
    findings.expect(codes == [0, 0] and lasting(folder / "pair") == expected,
                    f"two processes: exit {codes}, or other files than one")


def check_beside_label(app, folder, findings):
    """Scores in the folder of the masks leave what label needs to go on."""
    folder.mkdir()
    slide = folder / "a.png"
    picture = np.full((300, 400, 3), 240, np.uint8)
    picture[80:200, 60:260] = np.random.default_rng(1).integers(110, 150, (120, 200, 3))
    save(slide, picture)
    save(folder / "a.ref.png", box(300, 400, 80, 60, 120, 200))
    (folder / "references.csv").write_text("slide,mask\na.png,a.ref.png\n")
    masks = folder / "masks"
    label = ("label", slide, "--out", masks, "--method", "otsu")
    app.succeed(*label)
    reports = {name: (masks / name).read_bytes() for name in ("report.csv", "report.html")}
    app.succeed("evaluate", "--masks", masks, "--manifest", folder / "references.csv", "--out", masks)
    findings.expect(all((masks / name).read_bytes() == data for name, data in reports.items()),
                    "evaluate replaces the reports of label")
    app.succeed(*label)
    findings.expect(not done_in(masks), "label does its slides again after evaluate")


def check(app, folder, findings):
    masks = folder / "masks"
    masks.mkdir()
    glass = np.full((300, 400, 3), 240, np.uint8)
    for name in ("a.png", "b.png", "empty.png", "without.png"):
        save(folder / name, glass)
    pairs = {"a.png": (box(300, 400, 50, 60, 100, 200), box(300, 400, 80, 60, 100, 150)),
             "b.png": (box(300, 400, 0, 0, 10, 10), box(300, 400, 0, 0, 300, 400))}
    for name, (reference, prediction) in pairs.items():
        save(masks / f"{name}.mask.png", prediction)
    save(folder / "a.ref.png", pairs["a.png"][0])
    (folder / "b.geojson").write_text(json.dumps(square(0, 0, 10, 10)))
    save(folder / "none.png", np.zeros((300, 400), np.uint8))
    save(masks / "empty.png.mask.png", np.zeros((300, 400), np.uint8))
    manifest = folder / "references.csv"
    manifest.write_text("slide,mask,split\na.png,a.ref.png,test\nb.png,b.geojson,test\n"
                        "empty.png,none.png,test\nwithout.png,,train\n")
    report = app.json("evaluate", "--masks", masks, "--manifest", manifest, "--out", folder / "out")
    found = {slide["slide_id"]: slide for slide in report["slides"]}
    findings.expect(list(found) == ["a.png", "b.png", "empty.png"], f"slides {list(found)}")
    expected = {name: scores(*pair) for name, pair in pairs.items()}
    for name, measures in expected.items():
        for measure, value in measures.items():
            ours = found[name]["classes"]["tissue"][measure]
            findings.expect(abs(ours - value) < 1e-12, f"{name} {measure}: {ours}, not {value}")
    findings.expect(found["empty.png"]["dice"] is None, "empty and empty has a Dice")
    mean = np.mean([measures["dice"] for measures in expected.values()])
    findings.expect(abs(report["mean"]["dice"] - mean) < 1e-12, "the mean skips undefined ones")
    joined = [np.concatenate([pair[i] for pair in pairs.values()]) for i in (0, 1)]
    findings.expect(abs(report["pooled"]["dice"] - scores(*joined)["dice"]) < 1e-12, "pooled")
    findings.expect(len(list((folder / "out" / "worst").iterdir())) == 3, "worst cases")
    (masks / "b.png.mask.png").unlink()
    some = app.run("evaluate", "--masks", masks, "--manifest", manifest)
    findings.expect(some.returncode == 4 and "b.png" in some.stderr, f"a lost mask: {some.stderr}")
    for arguments in ((), ("--masks", folder / "nowhere"), ("--masks", masks, "--split", "val")):
        code = app.run("evaluate", "--manifest", manifest, *arguments).returncode
        findings.expect(code == 2, f"evaluate {arguments}: exit {code}")
    check_several_classes(app, folder, findings)
    check_absent_classes(app, folder, findings)
    check_reuse(app, folder / "reuse", findings)
    check_changed_folders(app, folder / "changed", findings)
    check_failures(app, folder / "failures", findings)
    check_shared_folder(app, folder / "shared", findings)
    check_beside_label(app, folder / "beside", findings)


main(check)
