#!/usr/bin/env python3
"""Scores tissue labels on painted pictures of kinds that are hard, each with its right mask (label_pictures.py).

    scripts/label_study.py OUT [--untiled build/release/bin/untiled] [--seeds 5] [--first-seed 0]

Writes into OUT the pictures and masks, a table by kind (also printed), worst.jpg with each kind's worst label
outlined beside the truth and Otsu's, and confidence.png with every label's confidence against its Dice. Seeds
2000 to 6007 were in sight, in part, while the method was made. Needs NumPy and
Pillow, which scripts/setup.sh puts into its oracle environment.
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


def outlined(picture, masks):
    """The picture with the border of each mask in its colour, the last one on top."""
    picture = picture.copy()
    for mask, colour in masks:
        edge = (mask ^ np.roll(mask, 2, 0)) | (mask ^ np.roll(mask, 2, 1))
        picture[edge] = colour
    return Image.fromarray(picture)


def draw_worst(pictures, worst, path):
    """Each kind's worst label: truth in black, Otsu's label in orange, the robust one in green."""
    width, height, columns = 330, 250, 4
    sheet = Image.new("RGB", (columns * width, (height + 20) * -(-len(worst) // columns)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (kind, label) in enumerate(worst.items()):
        picture = np.array(Image.open(pictures / f"{label['name']}.png"))
        part = outlined(picture, [(label["truth"], (0, 0, 0)), (label["otsu"], (255, 130, 0)),
                                  (label["robust"], (0, 210, 0))])
        part.thumbnail((width - 6, height - 6))
        x, y = i % columns * width, i // columns * (height + 20)
        sheet.paste(part, (x, y + 16))
        draw.text((x + 2, y + 2), f"{kind}: {label['score']:.3f}, confidence {label['confidence']:.2f}", fill="black")
    sheet.save(path, quality=80)


def draw_confidence(points, path):
    """Confidence across and Dice upwards, from 0 to 1 each; a claim of more than is there lies below and right."""
    side, margin = 480, 48
    sheet = Image.new("RGB", (side + 2 * margin, side + 2 * margin), "white")
    draw = ImageDraw.Draw(sheet)

    def place(confidence, score):
        return margin + confidence * side, margin + (1 - score) * side
    draw.rectangle((*place(DOUBTFUL, POOR), *place(1, 0)), fill=(255, 228, 225))
    draw.rectangle((*place(0, 1), *place(1, 0)), outline="black")
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(tick, 0)
        draw.text((x - 10, y + 5), f"{tick}", fill="black")
        x, y = place(0, tick)
        draw.text((x - 32, y - 6), f"{tick}", fill="black")
    for confidence, score in points:
        x, y = place(confidence, score)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline="blue")
    draw.text((margin, margin + side + 24), "confidence", fill="black")
    draw.text((margin, margin - 20), "Dice; red: claims that must not be", fill="black")
    sheet.save(path, optimize=True)


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
        masks[method], confidences = labels_of(options.untiled, method, pictures, kinds, options.out / method)
        scores[method] = {name: dice(masks[method][name], truths[name]) for name in kinds}
    robust = scores["robust"]
    worst = {}
    for kind in KINDS:
        name = min((n for n in kinds if kinds[n] == kind), key=robust.get)
        worst[kind] = {"name": name, "score": robust[name], "confidence": confidences[name], "truth": truths[name],
                       "otsu": masks["otsu"][name], "robust": masks["robust"][name]}
    draw_worst(pictures, worst, options.out / "worst.jpg")
    draw_confidence([(confidences[n], robust[n]) for n in kinds], options.out / "confidence.png")
    lines = table(kinds, scores, confidences)
    (options.out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    claims = [n for n in kinds if robust[n] < POOR and confidences[n] >= DOUBTFUL]
    alarms = [n for n in kinds if robust[n] >= GOOD and confidences[n] < DOUBTFUL]
    print(f"Dice below {POOR} with a confidence of {DOUBTFUL} or more: {len(claims)} {claims}; "
          f"good ones that are called doubtful: {len(alarms)}")


if __name__ == "__main__":
    main()
