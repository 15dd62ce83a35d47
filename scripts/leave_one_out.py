#!/usr/bin/env python3
"""How well a network does on a slide that it has not seen: trains on all slides but one, in turn.

    scripts/leave_one_out.py manifest.csv --mpp 8 --steps 150 --out runs/leave_one_out

The manifest is a CSV with the columns slide and mpp, and mask where labels are not to be made by Otsu's
method; paths are relative to it. Each fold is trained without and with augmentation (flips, quarter
turns, stain and brightness). Prints the Dice on the slide left out and writes results.csv.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys

AUGMENTATION = {
    "without": [],
    "with": ["augment.flip=true", "augment.rotate=true", "augment.stain=0.2",
             "augment.brightness=0.1"],
}


def read_slides(manifest):
    with open(manifest, newline="", encoding="utf-8") as file:
        slides = list(csv.DictReader(file))
    if len(slides) < 2 or any(not slide.get("slide") or not slide.get("mpp") for slide in slides):
        sys.exit(f"error: {manifest}: expected two slides or more, each with the columns slide and mpp")
    for slide in slides:
        for column in ("slide", "mask"):
            if slide.get(column):
                slide[column] = str((manifest.parent / slide[column]).resolve())
    return slides


def write_fold(path, slides, left_out):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["slide", "mask", "split", "mpp"])
        for i, slide in enumerate(slides):
            split = "val" if i == left_out else "train"
            writer.writerow([slide["slide"], slide.get("mask") or "", split, slide["mpp"]])


def train(options, manifest, run, changes):
    settings = [f"data.manifest={manifest}", f"data.mpp={options.mpp}",
                f"train.steps={options.steps}", "train.loss=bce+dice",
                "train.optimizer.learning_rate=1e-2", "train.schedule.name=one_cycle",
                "train.validate_every=0", f"train.checkpoint_every={options.steps}", *changes]
    config = run.parent / "empty.yaml"
    config.write_text("{}\n", encoding="utf-8")
    command = [options.untiled, "train", str(config), "--out", str(run)]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True)
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("--mpp", type=float, default=8.0, help="scale to train at")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/leave_one_out"))
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    options = parser.parse_args()
    slides = read_slides(options.manifest)
    rows = []
    for i, slide in enumerate(slides):
        row = {"slide": pathlib.Path(slide["slide"]).name}
        for name, changes in AUGMENTATION.items():
            run = (options.out / f"fold{i}" / name).resolve()
            manifest = run.parent / "manifest.csv"
            write_fold(manifest, slides, i)
            summary = train(options, manifest, run, changes)
            row[f"dice {name}"] = summary["last_dice"]
        rows.append(row)
    with open(options.out / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{'left out':32} {'without':>8} {'with augmentation':>18}")
    for row in rows:
        print(f"{row['slide']:32} {row['dice without']:8.4f} {row['dice with']:18.4f}")


main()
