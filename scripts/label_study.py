#!/usr/bin/env python3
"""Scores tissue labels on painted pictures of kinds that are hard, each with its right mask.

    scripts/label_study.py OUT [--untiled build/release/bin/untiled] [--seeds 3]

Writes into OUT the pictures and masks, a table by kind (also printed), worst.png with each kind's worst label
outlined, and confidence.png with every label's confidence against its Dice. Needs NumPy and Pillow, which
scripts/setup.sh puts into its oracle environment.
"""

import argparse
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image, ImageDraw

ROWS, COLS = 720, 900
GLASS = np.array([243.0, 242.0, 244.0])
HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
PENS = {"red": (205, 25, 30), "green": (30, 130, 70), "blue": (40, 60, 160), "black": (25, 25, 28),
        "orange": (235, 120, 30)}


def blurred(image, sigma):
    """Gaussian blur by Fourier transforms; the borders are mirrored."""
    pad = int(3 * sigma) + 1
    wide = np.pad(image, pad, mode="symmetric")
    y, x = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (x * x + y * y))
    return np.fft.irfft2(np.fft.rfft2(wide) * kernel, wide.shape)[pad:-pad, pad:-pad]


def texture(rng, sigma):
    """Smooth noise of variance 1."""
    noise = blurred(rng.standard_normal((ROWS, COLS)), sigma)
    return noise / noise.std()


def grid():
    return np.mgrid[0:ROWS, 0:COLS].astype(float)


def shape(rng, row, col, radius):
    """A ragged blob around a place, radii as parts of the picture's rows."""
    y, x = grid()
    distance = np.hypot(y - row * ROWS, x - col * COLS) / (radius * ROWS)
    return 1 - distance + 0.22 * texture(rng, 32) + 0.04 * texture(rng, 7) > 0


def stained(rng, mask, density=0.9, glass=GLASS):
    """A section in haematoxylin and eosin."""
    first = np.clip(0.25 + 0.12 * texture(rng, 6) + 0.1 * texture(rng, 1.5), 0.02, 2) * density
    second = np.clip(0.3 + 0.12 * texture(rng, 12) + 0.05 * texture(rng, 2), 0.05, 2) * density
    optical = first[..., None] * HAEMATOXYLIN + second[..., None] * EOSIN
    return glass * 10 ** (-optical * np.clip(blurred(mask.astype(float), 1), 0, 1)[..., None])


def plain(rng, seed):
    mask = shape(rng, 0.5, 0.5, 0.33)
    return stained(rng, mask, density=(1.0, 0.5, 0.25)[seed % 3]), mask


def fluorescence(rng, seed):
    """Bright nuclei in dim stroma, some grey levels over the dark."""
    mask = shape(rng, 0.5, 0.5, 0.33)
    level, bright = ((4, 120), (8, 160), (3, 60))[seed % 3]
    stroma = np.clip(1 + 0.25 * texture(rng, 10), 0.3, 3) * level * mask
    nuclei = blurred(((texture(rng, 2.2) > 1.1) & mask).astype(float), 1.2) * bright
    colour = np.array(((0.2, 0.4, 1), (0.2, 1, 0.3), (1, 1, 1))[seed % 3])
    return 3 + (stroma + nuclei)[..., None] * colour, mask


def spot_frame(rng, seed):
    """A printed frame of round spots around the capture area."""
    glass = np.array(((243, 242, 244), (130, 132, 125), (226, 226, 228))[seed % 3], float)
    radius = (4, 5, 8)[seed % 3]
    mask = shape(rng, 0.5, 0.5, 0.3)
    picture = Image.fromarray(np.clip(stained(rng, mask, 0.8, glass), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    step, margin = int(2.6 * radius), 24
    fill = tuple(int(c * 0.7) for c in glass)
    for deep in range(3):
        for place in range(margin, COLS - margin, step):
            for row in (margin + deep * step, ROWS - margin - deep * step):
                spot(draw, row, place + deep % 2 * radius, radius, fill)
        for place in range(margin + 4 * step, ROWS - margin - 4 * step, step):
            for col in (margin + deep * step, COLS - margin - deep * step):
                spot(draw, place + deep % 2 * radius, col, radius, fill)
    edge = margin + 2 * step + radius
    inside = np.zeros_like(mask)
    inside[edge:-edge, edge:-edge] = True
    return np.asarray(picture, float), mask & inside


def spot(draw, row, col, radius, fill):
    draw.ellipse((col - radius, row - radius, col + radius, row + radius), fill=fill, outline=(90, 90, 92))


def smudge(rng, seed):
    """A faint smudge without colour, as large as the small biopsy beside it."""
    mask = shape(rng, 0.5, 0.3, 0.14)
    soft = blurred(shape(rng, 0.5, 0.72, 0.17).astype(float), (24, 12, 3)[seed % 3])
    return stained(rng, mask) - (soft * (12, 16, 9)[seed % 3])[..., None], mask


def dark_rim(rng, seed):
    """The rim of a photograph, which is darker than its middle."""
    mask = shape(rng, 0.5, 0.5, 0.27)
    y, x = grid()
    distance = np.hypot(y / ROWS - 0.5, x / COLS - 0.5) / 0.707
    shade = 1 - (0.25, 0.5, 0.75)[seed % 3] * np.clip((distance - 0.45) / 0.55, 0, 1) ** 2.5
    return stained(rng, mask) * shade[..., None], mask


def pen(rng, seed):
    """Strokes beside and on the section; what lies under them is no tissue that counts."""
    mask = shape(rng, 0.5, 0.5, 0.28)
    name = list(PENS)[seed % len(PENS)]
    ink = Image.new("L", (COLS, ROWS), 0)
    draw = ImageDraw.Draw(ink)
    draw.line([(COLS * 0.66, ROWS * 0.2), (COLS * 0.92, ROWS * 0.3), (COLS * 0.9, ROWS * 0.8),
               (COLS * 0.62, ROWS * 0.86)], fill=255, width=20, joint="curve")
    draw.line([(COLS * 0.1, ROWS * 0.2), (COLS * 0.2, ROWS * 0.5), (COLS * 0.45, ROWS * 0.52)], fill=255, width=26)
    cover = np.clip(blurred(np.asarray(ink, float) / 255, 2), 0, 1)
    strength = np.clip(cover * (0.8 + 0.2 * texture(rng, 30)), 0, 1.2)
    transmitted = np.array(PENS[name]) / 245
    return stained(rng, mask) * transmitted ** strength[..., None], mask & (cover < 0.5)


KINDS = {"plain": plain, "dim stroma over dark": fluorescence, "frame of spots": spot_frame, "smudge": smudge,
         "dark rim": dark_rim, "pens": pen}


def make(folder, seeds):
    """Paints every kind; returns the kind by picture's name."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {}
    for number, (kind, paint) in enumerate(KINDS.items()):
        for seed in range(seeds):
            rng = np.random.default_rng((number, seed))
            picture, mask = paint(rng, seed)
            noisy = picture + rng.standard_normal(picture.shape)
            name = f"{kind.replace(' ', '-')}-{seed}"
            Image.fromarray(np.clip(noisy, 0, 255).round().astype(np.uint8)).save(folder / f"{name}.png")
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
        mask = np.asarray(Image.open(out / f"{name}.png.mask.png").convert("L").resize((COLS, ROWS), 0))
        masks[name] = (mask > 0) & (mask < 255) if 1 in mask else mask > 0
    return masks, confidences


def dice(mask, truth):
    return 2.0 * (mask & truth).sum() / max(1, mask.sum() + truth.sum())


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    pictures = options.out / "pictures"
    kinds = make(pictures, options.seeds)
    truths = {name: np.load(pictures / f"{name}.npy") for name in kinds}
    scores = {}
    for method in ("robust", "otsu"):
        masks, confidences = labels_of(options.untiled, method, pictures, kinds, options.out / method)
        scores[method] = {name: dice(masks[name], truths[name]) for name in kinds}
        if method == "robust":
            worst = {}
            for kind in KINDS:
                name = min((n for n in kinds if kinds[n] == kind), key=scores[method].get)
                worst[kind] = (name, scores[method][name], masks[name])
            draw_worst(pictures, worst, options.out / "worst.png")
            draw_confidence([(confidences[n], scores[method][n]) for n in kinds], options.out / "confidence.png")
    lines = ["| kind | robust, mean | least | Otsu, mean |", "|---|---|---|---|"]
    for kind in KINDS:
        of = {m: [scores[m][n] for n in kinds if kinds[n] == kind] for m in scores}
        lines.append(f"| {kind} | {np.mean(of['robust']):.3f} | {min(of['robust']):.3f} | {np.mean(of['otsu']):.3f} |")
    (options.out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


main()
