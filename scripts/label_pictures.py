"""Painted pictures of slides at about 8 um a pixel, each with its right mask, for scripts/label_study.py.

Every kind is a function of a random generator: sizes, shapes, stains, scales, colours, light and compression are
drawn anew for each picture. What lies under opaque ink is no tissue that counts, and fat is tissue.
"""

import numpy as np
from PIL import Image, ImageDraw

import label_archives
import label_scans
import label_views
import label_wards
from label_canvas import PENS, RECIPES, Canvas, blurred, wander


def plain(rng):
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.6, 1.2))
    return c.picture(), c.mask


def pale(rng):
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.12, 0.3))
    return c.picture(), c.mask


def other_stains(rng):
    c = Canvas(rng)
    c.stain(c.section(), RECIPES[rng.integers(4, len(RECIPES))], rng.uniform(0.6, 1.8))
    return c.picture(), c.mask


def weak_ihc(rng):
    """Pale blue nuclei, brown in places."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, ("haematoxylin", "haematoxylin"), rng.uniform(0.12, 0.25))
    spots = mask & (c.texture(rng.uniform(6, 14)) > rng.uniform(0.9, 1.6))
    c.stain(spots, ("dab", "dab"), rng.uniform(0.4, 1.4))
    return c.picture(), c.mask


def biopsies(rng):
    """Thin cores and crumbs."""
    c = Canvas(rng)
    mask = np.zeros_like(c.mask)
    for i in range(int(rng.integers(2, 5))):
        row = (i + 0.7) / 5 + rng.uniform(-0.03, 0.03)
        width = int(rng.integers(15, 34))
        line = wander(rng, (rng.uniform(0.1, 0.3), row), (rng.uniform(0.5, 0.9), row + rng.uniform(-0.05, 0.05)), 4, 0.02)
        core = c.strokes(line, width=width) + 0.12 * c.texture(6) > 0.5
        mask |= core & (c.strokes(line, width=width + 8) > 0.3)
    c.stain(mask, strength=rng.uniform(0.35, 1.0))
    return c.picture(), c.mask


def fat(rng):
    """Stroma beside wide fat, down to a rim of stroma."""
    c = Canvas(rng)
    mask = c.blob(*rng.uniform(0.45, 0.55, 2), rng.uniform(0.33, 0.42))
    wide = c.texture(rng.uniform(40, 90)) > rng.uniform(-0.9, 0.8)
    c.fat(mask, rng.uniform(7, 26), rng.uniform(0.6, 1.4))
    c.stain(mask & ~wide, strength=rng.uniform(0.5, 1.1))
    return c.picture(), c.mask


def pen_cover(c):
    """Strokes beside and on the section."""
    rng = c.rng
    width = int(rng.integers(12, 34))
    beside = wander(rng, (rng.uniform(0.75, 0.95), 0.08), (rng.uniform(0.75, 0.95), 0.9), 3, 0.05)
    lines = [beside]
    if rng.random() < 0.7:
        lines.append(wander(rng, (rng.uniform(0.03, 0.15), rng.uniform(0.1, 0.4)), (rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.7))))
    if rng.random() < 0.4:
        x, y = rng.uniform(0.08, 0.2), rng.uniform(0.75, 0.9)
        lines += [[(x - 0.04, y - 0.05), (x + 0.04, y + 0.05)], [(x + 0.04, y - 0.05), (x - 0.04, y + 0.05)]]
    return c.strokes(*lines, width=width)


def pen(rng, names=("red", "green", "blue", "black", "orange", "light blue", "brown")):
    c = Canvas(rng)
    c.stain(c.section(), RECIPES[rng.integers(0, 4)], rng.uniform(0.5, 1.2))
    colour = np.array(PENS[names[rng.integers(len(names))]]) * rng.uniform(0.8, 1.15)
    c.ink(pen_cover(c), np.clip(colour, 3, 240), rng.uniform(0.6, 1.1))
    return c.picture(), c.mask


def purple_pen(rng):
    return pen(rng, ("purple", "violet", "magenta", "dark violet"))


def pen_on_fat(rng):
    c = Canvas(rng)
    mask = c.blob(0.5, 0.5, rng.uniform(0.36, 0.45))
    c.fat(mask, rng.uniform(7, 16))
    c.stain(mask & (c.texture(60) > rng.uniform(-0.4, 0.4)), strength=rng.uniform(0.6, 1.1))
    name = list(PENS)[rng.integers(len(PENS))]
    c.ink(pen_cover(c), PENS[name], rng.uniform(0.7, 1.1))
    return c.picture(), c.mask


def spot_frame(rng):
    """A printed frame of round spots around the capture area, on white or grey, a little turned."""
    c = Canvas(rng, int(rng.integers(560, 800)), int(rng.integers(560, 860)))
    c.glass = (np.array(((242, 242, 243), (130, 132, 125), (226, 226, 228), (205, 200, 190))[rng.integers(4)]) +
               rng.uniform(-4, 4, 3))
    radius, deep = rng.uniform(3.0, 6.5), int(rng.integers(2, 5))
    step, margin = radius * rng.uniform(2.3, 2.9), rng.uniform(14, 40)
    image = Image.new("L", (4 * c.cols, 4 * c.rows), 0)
    draw = ImageDraw.Draw(image)
    hollow = rng.random() < 0.5

    def spot(y, x):
        draw.ellipse([4 * v for v in (x - radius, y - radius, x + radius, y + radius)], fill=90 if hollow else 255,
                     outline=255, width=5)
    for k in range(deep):
        odd = k % 2 * step / 2
        for x in np.arange(margin + odd, c.cols - margin, step):
            spot(margin + k * step, x)
            spot(c.rows - margin - k * step, x)
        for y in np.arange(margin + (deep + 1) * step + odd, c.rows - margin - (deep + 1) * step, step):
            spot(y, margin + k * step)
            spot(y, c.cols - margin - k * step)
    turned = image.rotate(rng.uniform(-2, 2), Image.BILINEAR)
    cover = np.asarray(turned.resize((c.cols, c.rows), Image.BOX), float) / 255
    mask = c.blob(0.5, 0.5, rng.uniform(0.2, 0.42))
    edge = margin + (deep - 1) * step + radius
    inside = (c.y > edge) & (c.y < c.rows - edge) & (c.x > edge) & (c.x < c.cols - edge)
    c.stain(mask & inside if rng.random() < 0.6 else mask, strength=rng.uniform(0.4, 1.0))
    c.density += cover[..., None] * (rng.uniform(0.1, 0.4) * (1 + rng.uniform(-0.08, 0.08, 3)))
    return c.picture(), c.mask & inside


def smudge(rng):
    """Faint smudges without colour, as large as the small biopsy beside them."""
    c = Canvas(rng)
    c.stain(c.blob(rng.uniform(0.4, 0.6), rng.uniform(0.22, 0.35), rng.uniform(0.08, 0.2)), strength=rng.uniform(0.4, 1.1))
    for _ in range(int(rng.integers(1, 4))):
        soft = blurred(c.blob(rng.uniform(0.2, 0.8), rng.uniform(0.65, 0.85), rng.uniform(0.05, 0.18)).astype(float),
                       rng.uniform(2, 24))
        c.density += (soft * rng.uniform(0.015, 0.06))[..., None] * (1 + rng.uniform(-0.06, 0.06, 3))
    return c.picture(), c.mask


def uneven_light(rng):
    """The rim of a photograph, a lamp out of the middle, a tinted glass."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.45, 1.1))
    distance = np.hypot(c.y / c.rows - rng.uniform(0.4, 0.6), c.x / c.cols - rng.uniform(0.4, 0.6)) / 0.707
    shade = 1 - rng.uniform(0.1, 0.7) * np.clip((distance - rng.uniform(0.1, 0.5)) / 0.55, 0, 1.2) ** rng.uniform(1.5, 3)
    shade *= 1 - rng.uniform(0, 0.15) * (c.x / c.cols)
    c.glass = c.glass * (1 - rng.uniform(0, 0.1) * np.eye(3)[rng.integers(3)])
    return c.picture(np.clip(shade, 0.05, 1)), c.mask


def round_field(rng):
    """The round field of a photograph through a microscope, black outside."""
    c = Canvas(rng)
    c.stain(c.blob(rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(0.18, 0.28)), strength=rng.uniform(0.5, 1.1))
    distance = np.hypot(c.y - c.rows / 2, c.x - c.cols / 2) / (0.5 * c.rows)
    inside = np.clip((rng.uniform(0.9, 1.1) - distance) / rng.uniform(0.01, 0.06), 0, 1)
    shade = inside * (1 - rng.uniform(0.05, 0.25) * np.clip(distance, 0, 1) ** 2)
    return c.picture(shade), c.mask & (inside > 0.5)


def fluorescence(rng):
    """Bright nuclei in dim stroma, some grey levels over the dark."""
    c = Canvas(rng)
    mask = c.section()
    level, bright = rng.uniform(3, 12), rng.uniform(25, 180)
    stroma = np.clip(1 + 0.3 * c.texture(rng.uniform(5, 20)), 0.35, 3) * level * blurred(mask.astype(float), 1)
    nuclei = blurred(((c.texture(rng.uniform(1.5, 3)) > rng.uniform(0.9, 1.8)) & mask).astype(float), 1.2) * bright
    colour = np.array(((0.2, 0.4, 1), (0.2, 1, 0.3), (1, 1, 1), (1, 0.3, 0.2), (0.1, 0.15, 1))[rng.integers(5)])
    light = rng.uniform(1, 14) + (stroma + nuclei)[..., None] * np.maximum(colour, 0.25)
    light = light * (1 - rng.uniform(0, 0.3) * np.hypot(c.y / c.rows - 0.5, c.x / c.cols - 0.5))[..., None]
    light += rng.standard_normal(light.shape) * rng.uniform(0.3, 1.2)
    return np.clip(light, 0, 255).round().astype(np.uint8), mask


def bubbles(rng):
    """Air bubbles: dark rims, bright inside, on glass and on the section."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.5, 1.1))
    for _ in range(int(rng.integers(2, 6))):
        row, col, radius = rng.uniform(0, c.rows), rng.uniform(0, c.cols), rng.uniform(12, 70)
        bend = 1 + 0.12 * np.sin(2 * np.arctan2(c.y - row, c.x - col) + rng.uniform(0, 6))
        rim = np.hypot(c.y - row, c.x - col) - radius * bend
        c.density += (rng.uniform(0.1, 0.6) * np.exp(-(rim / rng.uniform(1.2, 3.5)) ** 2))[..., None]
        c.density += (rng.uniform(-0.008, 0.015) * (rim < 0))[..., None]
    return c.picture(), c.mask


def cover_slip(rng):
    """Edges of a cover slip: lines, and glass of another brightness beyond."""
    c = Canvas(rng)
    c.stain(c.blob(0.5, rng.uniform(0.4, 0.5), rng.uniform(0.2, 0.3)), strength=rng.uniform(0.5, 1.1))
    for _ in range(int(rng.integers(1, 3))):
        turn = rng.choice((0, np.pi / 2)) + rng.uniform(-0.04, 0.04)
        where = np.cos(turn) * c.x / c.cols + np.sin(turn) * c.y / c.rows - rng.uniform(0.85, 0.93)
        pixels = where * (c.cols if abs(np.cos(turn)) > 0.5 else c.rows)
        c.density += (rng.uniform(0.08, 0.5) * np.exp(-(pixels / rng.uniform(1, 5)) ** 2))[..., None]
        c.density += (rng.uniform(0.0, 0.06) * (pixels > 0))[..., None] * (1 + rng.uniform(-0.05, 0.05, 3))
    return c.picture(), c.mask & True


def dust(rng):
    """Specks, crumbs and fibres."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.5, 1.1))
    image = Image.new("L", (c.cols, c.rows), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(20, 90))):
        x, y, r = rng.uniform(0, c.cols), rng.uniform(0, c.rows), rng.exponential(1.8) + 0.5
        draw.ellipse((x - r, y - r * rng.uniform(0.5, 1.5), x + r, y + r), fill=int(rng.integers(60, 255)))
    for _ in range(int(rng.integers(1, 6))):
        line = wander(rng, rng.uniform(0, 1, 2), rng.uniform(0, 1, 2), 5, 0.06)
        draw.line([(x * c.cols, y * c.rows) for x, y in line], fill=220, width=int(rng.integers(1, 4)), joint="curve")
    cover = blurred(np.asarray(image, float) / 255, 0.8)
    c.density += cover[..., None] * rng.uniform(0.3, 1.0) * (1 + rng.uniform(-0.08, 0.08, 3))
    return c.picture(), c.mask


def folds(rng):
    """Folded tissue: dark bands, two layers thick and more."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, strength=rng.uniform(0.5, 0.9))
    for _ in range(int(rng.integers(2, 6))):
        line = wander(rng, rng.uniform(0.2, 0.8, 2), rng.uniform(0.2, 0.8, 2), 3, 0.08)
        band = c.strokes(line, width=int(rng.integers(5, 20))) > 0.5
        c.density *= 1 + rng.uniform(0.8, 2.0) * blurred((band & mask).astype(float), 1)[..., None]
    return c.picture(), c.mask


def full_frame(rng):
    """Tissue that leaves little glass."""
    c = Canvas(rng)
    glass = c.blob(*rng.uniform(0, 1, 2), rng.uniform(0.12, 0.3)) | (c.texture(25) > 1.9)
    c.stain(~glass, strength=rng.uniform(0.5, 1.1))
    return c.picture(), c.mask


def padded(rng):
    """Two scanned fields between paddings of 255 or 0."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.4, 1.1))
    picture = np.array(c.picture())
    value = 255 if rng.random() < 0.6 else 0
    cut = int(rng.uniform(0.04, 0.14) * c.cols), int(rng.uniform(0.04, 0.14) * c.rows)
    area = (c.x < cut[0]) | (c.x > c.cols - cut[0]) | (c.y < cut[1])
    picture[area] = value
    return picture, c.mask & ~area


def grey_scan(rng):
    """A grey or dim scan, of little contrast."""
    c = Canvas(rng)
    c.glass = rng.uniform(110, 200) + rng.uniform(-6, 6, 3)
    c.stain(c.section(), RECIPES[rng.integers(0, 6)], rng.uniform(0.35, 1.0))
    return c.picture(), c.mask


def writing(rng):
    """Letters in ink and a printed label beside the section."""
    c = Canvas(rng)
    c.stain(c.blob(0.55, 0.4, rng.uniform(0.2, 0.3)), strength=rng.uniform(0.4, 1.1))
    lines = []
    for i in range(int(rng.integers(2, 6))):
        x, y = 0.78 + 0.1 * rng.random(), 0.1 + 0.16 * i
        lines.append([tuple(p) for p in np.array((x, y)) + rng.uniform(-0.06, 0.06, (5, 2))])
    name = list(PENS)[rng.integers(len(PENS))]
    c.ink(c.strokes(*lines, width=int(rng.integers(5, 13))), PENS[name], rng.uniform(0.6, 1.2))
    return c.picture(), c.mask


KINDS = {"plain": plain, "very pale": pale, "other stains": other_stains, "weak IHC": weak_ihc, "biopsies": biopsies,
         "wide fat": fat, "pens": pen, "purple pens": purple_pen, "pens on fat": pen_on_fat, "writing": writing,
         "frame of spots": spot_frame, "smudges": smudge, "uneven light": uneven_light, "round field": round_field,
         "dim stroma over dark": fluorescence, "air bubbles": bubbles, "cover slip": cover_slip, "dust": dust,
         "folds": folds, "little glass": full_frame, "padding": padded, "grey scan": grey_scan,
         **label_scans.KINDS, **label_archives.KINDS, **label_views.KINDS, **label_wards.KINDS}


def paint(kind, seed):
    """A picture of a kind, rows x columns x 3, and its mask; the same for the same seed."""
    return KINDS[kind](np.random.default_rng((list(KINDS).index(kind), seed)))
