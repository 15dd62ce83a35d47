#!/usr/bin/env python3
"""Scores tissue labels on painted pictures of kinds that are hard, each with its right mask (label_pictures.py).

    scripts/label_study.py OUT [--untiled build/release/bin/untiled] [--seeds 5] [--first-seed 0]

Writes into OUT the pictures and masks, a table by kind (also printed), worst.png with each kind's worst label
outlined, and confidence.png with every label's confidence against its Dice. Seeds from 1000 on were not looked at
while the method was made. Needs NumPy and Pillow, which scripts/setup.sh puts into its oracle environment.
"""

import argparse
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image, ImageDraw

from label_pictures import KINDS, paint

DOUBTFUL = 0.5  # The confidence below which the program warns.
GOOD, POOR = 0.92, 0.85  # Dice.


def make(folder, seeds):
    """Paints every kind; returns the kind by picture's name."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {}
    for kind in KINDS:
        for seed in seeds:
            picture, mask = paint(kind, seed)
            name = f"{kind.replace(' ', '-')}-{seed}"
            Image.fromarray(picture).save(folder / f"{name}.png")
            np.save(folder / f"{name}.npy", mask)
            kinds[name] = kind
    return kinds


def labels_of(untiled, method, pictures, names, out):
    """Masks and confidences that `label` gives."""
    subprocess.run([untiled, "label", "--method", method, "--format", "png", "--out", str(out),
                    *(str(pictures / f"{name}.png") for name in names)], check=True, capture_output=True)
    slides = json.loads((out / "report.json").read_text())
    slides = slides if isinstance(slides, list) else slides["slides"]
    confidences = {slide["slide_id"].removesuffix(".png"): slide.get("confidence") for slide in slides}
    masks = {}
    for name in names:
        size = Image.open(pictures / f"{name}.png").size
        mask = np.asarray(Image.open(out / f"{name}.png.mask.png").convert("L").resize(size, 0))
        masks[name] = (mask > 0) & (mask < 255) if 1 in mask else mask > 0
    return masks, confidences


def dice(mask, truth):
    total = mask.sum() + truth.sum()
    return 2.0 * (mask & truth).sum() / total if total else 1.0


def draw_worst(pictures, worst, path):
    """Each kind's worst label, outlined."""
    sheet = Image.new("RGB", (3 * 460, 400 * -(-len(worst) // 3)), "white")
    for i, (kind, (name, score, mask)) in enumerate(worst.items()):
        picture = np.array(Image.open(pictures / f"{name}.png"))
        edge = (mask ^ np.roll(mask, 2, 0)) | (mask ^ np.roll(mask, 2, 1))
        picture[edge] = (0, 220, 0)
        part = Image.fromarray(picture).resize((450, 360))
        ImageDraw.Draw(part).text((6, 6), f"{kind}: Dice {score:.3f}", fill=(255, 120, 0))
        sheet.paste(part, (i % 3 * 460, i // 3 * 400))
    sheet.save(path)


def draw_confidence(points, path):
    """Confidence across, Dice upwards, both from 0 to 1."""
    side, margin = 480, 40
    sheet = Image.new("RGB", (side + 2 * margin, side + 2 * margin), "white")
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((margin, margin, margin + side, margin + side), outline="black")
    for confidence, score in points:
        x, y = margin + confidence * side, margin + (1 - score) * side
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline="blue")
    draw.text((margin, margin + side + 8), "confidence, 0 to 1", fill="black")
    draw.text((margin, margin - 18), "Dice, 0 to 1", fill="black")
    sheet.save(path)


def table(kinds, scores, confidences):
    """A line a kind, and one of all."""
    lines = ["| kind | `robust`, mean Dice | least | below 0.92 | mean confidence | Otsu, mean |", "|---|---|---|---|---|---|"]
    for kind in [*KINDS, "all"]:
        names = [n for n in kinds if kind in ("all", kinds[n])]
        robust, otsu = ([scores[m][n] for n in names] for m in ("robust", "otsu"))
        sure = np.mean([confidences[n] for n in names])
        lines.append(f"| {kind} | {np.mean(robust):.3f} | {min(robust):.3f} | {sum(d < GOOD for d in robust)} of "
                     f"{len(names)} | {sure:.2f} | {np.mean(otsu):.3f} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    pictures = options.out / "pictures"
    kinds = make(pictures, range(options.first_seed, options.first_seed + options.seeds))
    truths = {name: np.load(pictures / f"{name}.npy") for name in kinds}
    scores, confidences, masks = {}, {}, {}
    for method in ("otsu", "robust"):
        masks, confidences = labels_of(options.untiled, method, pictures, kinds, options.out / method)
        scores[method] = {name: dice(masks[name], truths[name]) for name in kinds}
    robust = scores["robust"]
    worst = {}
    for kind in KINDS:
        name = min((n for n in kinds if kinds[n] == kind), key=robust.get)
        worst[kind] = (name, robust[name], masks[name])
    draw_worst(pictures, worst, options.out / "worst.png")
    draw_confidence([(confidences[n], robust[n]) for n in kinds], options.out / "confidence.png")
    lines = table(kinds, scores, confidences)
    (options.out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    claims = [n for n in kinds if robust[n] < POOR and confidences[n] >= DOUBTFUL]
    alarms = [n for n in kinds if robust[n] >= GOOD and confidences[n] < DOUBTFUL]
    print(f"Dice below {POOR} with a confidence of {DOUBTFUL} or more: {len(claims)} {claims}; "
          f"good ones that are called doubtful: {len(alarms)}")


main()
