"""Cohorts of synthetic slides: the same bytes for a seed, and classes that differ in what is claimed alone."""

import csv

from untiled_app import Image, files_of, main, np

SIDE = 256


def make(app, folder, told_by, *more, slides=12, seed=1):
    app.succeed("synth", "--cohort", slides, "--told-by", told_by, "--size", f"{SIDE}x{SIDE}", "--seed", seed,
                "--out", folder, *more)
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(folder, row, name="slide"):
    with Image.open(folder / row[name]) as image:
        return np.asarray(image.convert("RGB") if name == "slide" else image)


def by_class(rows, values):
    values = np.array(values)
    positive = np.array([row["label"] == "positive" for row in rows])
    return values[~positive].mean(0), values[positive].mean(0)


def check_manifest(findings, rows):
    labels = [row["label"] for row in rows]
    findings.expect(labels == ["negative", "positive"] * (len(rows) // 2), f"labels {labels}")
    splits = {split: sum(row["split"] == split for row in rows) for split in ("train", "val", "test")}
    findings.expect(splits == {"train": 8, "val": 2, "test": 2}, f"splits {splits}")


def check_same_bytes(app, findings, folder):
    make(app, folder / "one", "both", "--threads", 1, slides=4)
    make(app, folder / "two", "both", "--threads", 3, slides=4)
    make(app, folder / "other", "both", slides=4, seed=2)
    one, two, other = (files_of(folder / name) for name in ("one", "two", "other"))
    findings.expect(one == two, "a seed gives the same bytes for any number of threads")
    findings.expect(one.keys() == other.keys(), "files of another seed have the same names")
    findings.expect(one["slide_0000.tif"] != other["slide_0000.tif"], "another seed gives another slide")


def check_means(app, findings, folder):
    """Both classes have the same colours on average; slides of one differ by far more."""
    for told_by in ("detail", "arrangement", "both"):
        rows = make(app, folder / told_by, told_by)
        check_manifest(findings, rows)
        means = [pixels(folder / told_by, row).astype(float).mean((0, 1)) for row in rows]
        negative, positive = by_class(rows, means)
        apart = np.abs(negative - positive).max()
        spread = np.std(means, axis=0).max()
        findings.expect(apart < 1.5 * spread, f"{told_by}: class means {apart} apart, slides {spread}")


def check_context(app, findings, folder):
    rows = make(app, folder / "context", "context", slides=4)
    for row in rows:
        mask = pixels(folder / "context", row, "mask")
        gland = 2 if row["label"] == "positive" else 1
        found = set(np.unique(mask).tolist())
        findings.expect(found == {0, gland}, f"{row['slide']}: mask values {found}")
        image = pixels(folder / "context", row).astype(int)
        orange = (image[..., 0] > 200) & (image[..., 2] < 90)
        bluish = (image[..., 0] < 90) & (image[..., 2] > 160)
        seen = "positive" if bluish.sum() > orange.sum() else "negative"
        findings.expect(seen == row["label"], f"{row['slide']}: squares tell {seen}")
        part = (orange | bluish).mean()
        findings.expect(0.0005 < part < 0.01, f"{row['slide']}: squares are {part} of the slide")


def check_refusals(app, findings, folder):
    result = app.run("synth", "--cohort", 4, "--told-by", "arrangement", "--distance", 100, "--size", "400x400",
                     "--out", folder / "small")
    findings.expect(result.returncode == 2 and "616 pixels" in result.stderr,
                    f"no room: {result.returncode} {result.stderr}")
    findings.expect(not (folder / "small" / "manifest.csv").exists(), "no manifest of a cohort that was refused")


def check(app, folder, findings):
    check_same_bytes(app, findings, folder)
    check_means(app, findings, folder)
    check_context(app, findings, folder)
    check_refusals(app, findings, folder)


main(check)
