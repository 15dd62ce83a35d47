"""More kinds of painted pictures (label_pictures.py): after what hospitals and public collections show most."""

import numpy as np
from PIL import Image, ImageDraw

from label_canvas import PENS, RECIPES, STAINS, Canvas, blurred, wander


def dim_and_uneven(rng):
    """Dim stroma and bright nuclei over stray light that is brighter to one side; light that bleeds out of the section;
    fields of a camera that are darker at their corners."""
    c = Canvas(rng)
    mask = c.section()
    level = rng.uniform(4, 14)
    stroma = np.clip(1 + 0.3 * c.texture(rng.uniform(5, 25)), 0.4, 3) * level * blurred(mask.astype(float), 1)
    nuclei = blurred(((c.texture(rng.uniform(1.2, 3)) > rng.uniform(0.9, 1.8)) & mask).astype(float), 1.2) * rng.uniform(25, 160)
    bleed = blurred(stroma + nuclei, rng.uniform(15, 50)) * rng.uniform(0.02, 0.1)
    turn = rng.uniform(0, 2 * np.pi)
    slope = np.cos(turn) * (c.x / c.cols - 0.5) + np.sin(turn) * (c.y / c.rows - 0.5)
    stray = rng.uniform(2, 16) + rng.uniform(0.1, 0.5) * level * (slope + 0.15 * c.texture(80))
    colour = np.array(((0.25, 0.45, 1), (0.25, 1, 0.35), (1, 1, 1), (1, 0.4, 0.3), (0.2, 0.25, 1))[rng.integers(5)])
    light = (stray + bleed)[..., None] * np.maximum(colour, 0.5) + stroma[..., None] * colour + nuclei[..., None] * colour ** 2
    if rng.random() < 0.5:
        side = rng.uniform(90, 200)
        corner = np.hypot(c.y / side % 1 - 0.5, c.x / side % 1 - 0.5)
        light *= (1 - rng.uniform(0.02, 0.15) * corner)[..., None]
    light += rng.standard_normal(light.shape) * rng.uniform(0.3, 1.2)
    return np.clip(light, 0, 255).round().astype(np.uint8), mask


def frame_spots(c, turn):
    """The cover of a frame of round spots, three deep, with blocks in its corners; and the area inside of it."""
    rng = c.rng
    side = min(c.rows, c.cols)
    step = side * rng.uniform(0.0155, 0.021)
    radius, margin = step * rng.uniform(0.28, 0.4), side * rng.uniform(0.035, 0.07)
    deep = step * 0.87
    middle = np.array((c.cols, c.rows)) / 2
    half = middle - margin
    turned = np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))))
    image = Image.new("L", (4 * c.cols, 4 * c.rows), 0)
    draw = ImageDraw.Draw(image)
    hollow = rng.random() < 0.6

    def spot(x, y):
        if rng.random() < 0.03:
            return
        x, y = turned.T @ (x, y) + middle
        draw.ellipse([4 * v for v in (x - radius, y - radius, x + radius, y + radius)], fill=130 if hollow else 255,
                     outline=255, width=4)
    for axis in (0, 1):
        along, across = half[axis], half[1 - axis]
        places = [p for p in np.arange(-along + 4.5 * step, along - 4.4 * step, step)]
        places += list(np.arange(-along, -along + 2.6 * step, step)) + list(np.arange(along - 2 * step, along + step / 2, step))
        for k in range(3):
            for place in places:
                for sign in (-1, 1):
                    if axis == 1 and abs(place) > along - 2.6 * step:
                        continue  # The corner belongs to the other sides.
                    at = (place + k % 2 * step / 2, sign * (across - k * deep))
                    spot(*(at if axis == 0 else at[::-1]))
    x, y = np.tensordot(turned, np.stack((c.x - middle[0], c.y - middle[1])), 1)
    edge = 2 * deep + radius
    inside = (np.abs(x) < half[0] - edge) & (np.abs(y) < half[1] - edge)
    return np.asarray(image.resize((c.cols, c.rows), Image.BOX), float) / 255, inside


def capture_area(rng):
    """A frame of fiducial spots as arrays for spatial transcriptomics have it, on white or grey glass; the section
    may run under it, and stain, dust and smudges lie beside."""
    side = int(rng.integers(560, 1000))
    c = Canvas(rng, side, int(side * rng.uniform(0.92, 1.08)))
    c.glass = np.array(((240, 241, 242), (128, 131, 124), (222, 224, 226), (182, 178, 176), (108, 110, 106))[rng.integers(5)])
    c.glass = c.glass + rng.uniform(-4, 4, 3)
    cover, inside = frame_spots(c, rng.uniform(-0.025, 0.025))
    way = rng.integers(3)
    if way == 0:
        mask = c.blob(*rng.uniform(0.45, 0.55, 2), rng.uniform(0.25, 0.38))
    elif way == 1:  # Cut at the capture area's side, and under the frame beyond.
        mask = c.blob(rng.uniform(0.4, 0.6), rng.choice((0.15, 0.85)), rng.uniform(0.35, 0.5))
    else:
        mask = c.blob(0.5, 0.5, rng.uniform(0.5, 0.75)) & ~(c.texture(rng.uniform(20, 40)) > rng.uniform(1.3, 2))
    c.stain(mask, strength=rng.uniform(0.35, 0.9))
    c.density += cover[..., None] * (rng.uniform(0.1, 0.35) * (1 + rng.uniform(-0.08, 0.08, 3)))
    for _ in range(int(rng.integers(0, 4))):
        soft = blurred(c.blob(*rng.uniform(0.05, 0.95, 2), rng.uniform(0.01, 0.03)).astype(float), rng.uniform(2, 8))
        c.density += (soft * rng.uniform(0.01, 0.05))[..., None] * (1 + rng.uniform(-0.06, 0.06, 3))
    distance = np.hypot(c.y / c.rows - 0.5, c.x / c.cols - 0.5)
    return c.picture(1 - rng.uniform(0, 0.12) * distance ** 2), c.mask & inside


def photograph(rng):
    """A photograph through the microscope: warm light, falling off towards one or two corners, soft and compressed."""
    c = Canvas(rng)
    c.stain(c.section(), RECIPES[rng.integers(0, 6)], rng.uniform(0.4, 1.1))
    c.glass = np.array(((246, 240, 226), (238, 238, 242), (228, 222, 214), (240, 232, 236))[rng.integers(4)]) + rng.uniform(-4, 4, 3)
    shade = 1 - rng.uniform(0, 0.12) * np.hypot(c.y / c.rows - 0.5, c.x / c.cols - 0.5)
    for corner in rng.choice(4, int(rng.integers(1, 3)), replace=False):
        distance = np.hypot(c.y / c.rows - corner // 2, c.x / c.cols - corner % 2) / rng.uniform(0.18, 0.5)
        shade *= 1 - rng.uniform(0.3, 0.95) * np.clip(1 - distance, 0, 1) ** rng.uniform(0.8, 2)
    light = c.glass * 10 ** -c.density
    sigma = rng.uniform(0.6, 1.4)
    light = np.stack([blurred(light[..., i], sigma) for i in range(3)], -1)
    c.density, c.glass = np.zeros_like(light), light
    return c.picture(shade, quality=int(rng.integers(70, 93))), c.mask


def pen_dots(rng):
    """Dots and dashes of a felt pen beside the section, at its border and on it, of one colour or two."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, RECIPES[rng.integers(0, 3)], rng.uniform(0.5, 1.1))
    rim = blurred(mask.astype(float), 6)
    rows, cols = np.nonzero((rim > 0.2) & (rim < 0.5))
    for name in rng.choice(("red", "green", "blue", "black"), int(rng.integers(1, 3)), replace=False):
        lines = []
        for _ in range(int(rng.integers(2, 7))):
            at = rng.integers(len(rows))
            place = rng.uniform(0.06, 0.94, 2) if rng.random() < 0.6 else np.array((cols[at] / c.cols, rows[at] / c.rows))
            end = place if rng.random() < 0.6 else place + rng.uniform(-0.06, 0.06, 2)
            lines.append([tuple(place), tuple(end)])
        c.ink(c.strokes(*lines, width=int(rng.integers(9, 30))), np.array(PENS[name]) * rng.uniform(0.85, 1.2),
              rng.uniform(0.6, 1.1))
    return c.picture(), c.mask


def breast(rng):
    """Mostly fat with pale walls, strands of pale stroma through it and dense ducts and lobules."""
    c = Canvas(rng)
    mask = c.blob(*rng.uniform(0.46, 0.54, 2), rng.uniform(0.34, 0.42))
    c.fat(mask, rng.uniform(6, 15), rng.uniform(0.5, 1.1))
    strands = mask & (np.abs(c.texture(rng.uniform(20, 40))) < rng.uniform(0.2, 0.5))
    c.stain(strands, ("eosin", "pale eosin"), rng.uniform(0.2, 0.5))
    ducts = strands & (c.texture(rng.uniform(8, 16)) > rng.uniform(0.8, 1.4))
    c.stain(ducts, strength=rng.uniform(0.6, 1.0))
    c.mask = mask
    return c.picture(), c.mask


def counterstain(rng):
    """Haematoxylin alone: pale blue nuclei, dense in places and few in others, and stroma with hardly any stain."""
    c = Canvas(rng)
    mask = c.section()
    soft = blurred(mask.astype(float), 1)
    crowd = np.clip(0.5 + 0.4 * c.texture(rng.uniform(10, 30)), 0.05, 1)
    nuclei = np.clip(0.5 + 0.5 * c.texture(rng.uniform(1, 1.8)), 0, 2) * crowd
    amount = soft * (rng.uniform(0.02, 0.06) * (1 + 0.15 * c.texture(6)) + rng.uniform(0.1, 0.3) * nuclei)
    c.density += amount[..., None] * np.array(STAINS["haematoxylin"]) * (1 + rng.uniform(-0.1, 0.1, 3))
    c.density += (soft * rng.uniform(0.0, 0.03))[..., None] * np.array(STAINS["dab"])
    c.mask |= mask
    return c.picture(), c.mask


def crumbs(rng):
    """Tiny biopsies beside faint smudges without colour that are as large, or larger."""
    c = Canvas(rng)
    mask = np.zeros_like(c.mask)
    for _ in range(int(rng.integers(1, 5))):
        row, col = rng.uniform(0.15, 0.85), rng.uniform(0.08, 0.5)
        if rng.random() < 0.5:
            mask |= c.blob(row, col, rng.uniform(0.025, 0.06), 0.12)
            continue
        line = wander(rng, (col, row), (col + rng.uniform(0.08, 0.3), row + rng.uniform(-0.08, 0.08)), 3, 0.015)
        width = int(rng.integers(14, 26))
        mask |= (c.strokes(line, width=width) + 0.1 * c.texture(5) > 0.5) & (c.strokes(line, width=width + 8) > 0.3)
    c.stain(mask, RECIPES[rng.integers(0, 4)], rng.uniform(0.35, 1.0))
    for _ in range(int(rng.integers(1, 4))):
        soft = blurred(c.blob(rng.uniform(0.15, 0.85), rng.uniform(0.6, 0.9), rng.uniform(0.03, 0.12)).astype(float),
                       rng.uniform(1.5, 10))
        mottled = np.clip(1 + rng.uniform(0, 0.3) * c.texture(rng.uniform(3, 12)), 0.2, 2)
        c.density += (soft * mottled * rng.uniform(0.015, 0.06))[..., None] * (1 + rng.uniform(-0.05, 0.05, 3))
    return c.picture(), c.mask


KINDS = {"dim and uneven": dim_and_uneven, "capture area": capture_area, "photograph": photograph, "pen dots": pen_dots,
         "breast": breast, "counterstain": counterstain, "crumbs": crumbs}
