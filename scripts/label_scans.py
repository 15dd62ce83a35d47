"""More kinds of painted pictures (label_pictures.py): what disease, preparation and scanners do to a slide."""

import numpy as np

from label_canvas import PENS, RECIPES, STAINS, Canvas, blurred

DYES = {"blue": (30, 60, 170), "green": (20, 120, 60), "black": (20, 20, 24), "yellow": (235, 205, 60),
        "orange": (235, 120, 30), "red": (200, 30, 40)}


def very_faint_ihc(rng):
    """A counterstain a third as strong as a weak one, hardly any brown."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, ("haematoxylin", "haematoxylin"), rng.uniform(0.12, 0.25) / 3)
    spots = mask & (c.texture(rng.uniform(6, 14)) > rng.uniform(1.4, 2.2))
    c.stain(spots, ("dab", "dab"), rng.uniform(0.4, 1.4) / 3)
    return c.picture(), c.mask


def stitched(rng):
    """Stripes as wide as a scanner's camera, each a little brighter or darker and with a shade of its own."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.3, 1.1))
    place, length = (c.x, c.cols) if rng.random() < 0.7 else (c.y, c.rows)
    width = rng.uniform(40, 130)
    stripe = (place / width).astype(int)
    gain = 1 + rng.uniform(-0.012, 0.012, int(length / width) + 1)
    across = place / width - stripe - 0.5
    return c.picture(gain[stripe] * (1 - rng.uniform(0, 0.04) * across - rng.uniform(0, 0.06) * across ** 2)), c.mask


def medium(rng):
    """Old mounting medium, a little yellow, that ends along a wandering line beside or across the section."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.4, 1.1))
    edge = rng.uniform(0.15, 0.85) + 0.06 * c.texture(60) + 0.01 * c.texture(10)
    far = c.x / c.cols > edge if rng.random() < 0.5 else c.y / c.rows > edge
    soft = blurred(far.astype(float), rng.uniform(0.8, 4))
    c.density += (soft * rng.uniform(0.006, 0.03))[..., None] * np.array((0.15, 0.4, 1.0))
    rim = np.abs(soft - 0.5) < 0.4
    c.density += (blurred(rim.astype(float), 0.7) * rng.uniform(0.0, 0.15))[..., None]
    return c.picture(), c.mask


def blood(rng):
    """Lakes of red cells, even and red, and clumps of brown pigment."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, strength=rng.uniform(0.5, 1.1))
    lakes = mask & (c.texture(rng.uniform(14, 40)) > rng.uniform(0.3, 1.3))
    cover = blurred(lakes.astype(float), 1)[..., None]
    red = rng.uniform(0.35, 0.9) * (1 + rng.uniform(0.02, 0.12) * c.texture(rng.uniform(1.5, 6)))
    tint = np.array(STAINS["eosin"]) * (1 + rng.uniform(-0.1, 0.1, 3)) + rng.uniform(0, 0.5) * np.array((0.05, 0.3, 0.6))
    c.density = c.density * (1 - cover) + cover * np.clip(red, 0.1, 2)[..., None] * tint
    if rng.random() < 0.6:
        clumps = mask & (c.texture(rng.uniform(3, 8)) > rng.uniform(1.2, 1.8))
        c.density += rng.uniform(0.5, 1.4) * blurred(clumps.astype(float), 0.9)[..., None] * np.array((0.55, 0.8, 1.0))
    return c.picture(), c.mask


def necrosis(rng):
    """Wide pale parts without nuclei, a fifth as strong as the rest, with hardly any texture."""
    c = Canvas(rng)
    mask = c.section()
    dead = mask & (c.texture(rng.uniform(30, 70)) > rng.uniform(-0.3, 0.8))
    c.stain(mask & ~dead, strength=rng.uniform(0.5, 1.1))
    pale = rng.uniform(0.04, 0.14) * (1 + 0.08 * c.texture(rng.uniform(3, 20)))
    c.density += (blurred(dead.astype(float), 1.5) * pale)[..., None] * np.array(STAINS["pale eosin"])
    c.mask |= mask
    return c.picture(), c.mask


def dyed_margins(rng):
    """Dyes of one or two colours along parts of the section's border, which belong to it."""
    c = Canvas(rng)
    mask = c.section()
    c.stain(mask, strength=rng.uniform(0.5, 1.1))
    width = rng.uniform(1.5, 5)
    inner = blurred(mask.astype(float), width) < rng.uniform(0.8, 0.95)
    around = blurred(mask.astype(float), 1) > 0.4
    angle = np.arctan2(c.y - c.rows / 2, c.x - c.cols / 2) + rng.uniform(0, np.pi)
    for part, name in enumerate(rng.choice(list(DYES), int(rng.integers(1, 3)), replace=False)):
        side = np.cos(angle + np.pi * part) > rng.uniform(-0.6, 0.5)
        there = inner & around & side & (c.texture(12) > -1.2)
        cover = blurred(there.astype(float), 0.9) * np.clip(1 + 0.3 * c.texture(2), 0.2, 2)
        c.ink(cover, DYES[name], rng.uniform(0.5, 1.0), hides=False)
    return c.picture(), c.mask


def cores(rng):
    """Rows of punched cores (tissue microarrays), some lost in part or as a whole."""
    c = Canvas(rng)
    radius = rng.uniform(22, 75)
    step = radius * rng.uniform(2.4, 3.4)
    mask = np.zeros_like(c.mask)
    for row in np.arange(0.7 * step, c.rows - 0.5 * step, step):
        for col in np.arange(0.7 * step, c.cols - 0.5 * step, step):
            if rng.random() < 0.1:
                continue
            y, x = np.array((row, col)) + rng.uniform(-0.06, 0.06, 2) * step
            away = np.hypot(c.y - y, c.x - x) / radius
            core = away < rng.uniform(0.85, 1.05) + 0.04 * c.texture(5)
            if rng.random() < 0.2:
                core &= c.texture(radius / 3) > -0.5
            mask |= core
    c.stain(mask, RECIPES[rng.integers(len(RECIPES))], rng.uniform(0.3, 1.1))
    return c.picture(), c.mask


def scanned_islands(rng):
    """Fields that a scanner chose, square by square, around pieces of tissue; black, white or grey between them."""
    c = Canvas(rng)
    side = int(rng.integers(24, 64))
    c.stain(c.section(), strength=rng.uniform(0.4, 1.1))
    wide = blurred(c.mask.astype(float), rng.uniform(6, 16)) > 0.02
    rows, cols = -(-c.rows // side), -(-c.cols // side)
    squares = np.zeros((rows, cols), bool)
    np.logical_or.at(squares, (c.y[wide].astype(int) // side, c.x[wide].astype(int) // side), True)
    squares |= rng.random(squares.shape) < 0.04
    scanned = np.kron(squares, np.ones((side, side), bool))[:c.rows, :c.cols]
    picture = np.array(c.picture())
    picture[~scanned] = (0, 255, 255, 240, 220)[rng.integers(5)]
    return picture, c.mask & scanned


def ringed(rng):
    """A pen's ring and dots around the section."""
    c = Canvas(rng)
    c.stain(c.blob(0.5, 0.5, rng.uniform(0.2, 0.28)), RECIPES[rng.integers(0, 4)], rng.uniform(0.4, 1.1))
    turns = np.linspace(0, rng.uniform(5.2, 6.6), 30)
    reach = rng.uniform(0.36, 0.44) * (1 + 0.03 * np.sin(turns * 3 + rng.uniform(0, 6)))
    ring = list(zip(0.5 + reach * c.rows / c.cols * np.cos(turns), 0.5 + reach * np.sin(turns)))
    dots = [[tuple(rng.uniform((0.03, 0.05), (0.1, 0.95)))] * 2 for _ in range(int(rng.integers(0, 5)))]
    colour = PENS[list(PENS)[rng.integers(len(PENS))]]
    c.ink(c.strokes(ring, *dots, width=int(rng.integers(8, 26))), colour, rng.uniform(0.4, 1.1))
    return c.picture(), c.mask


KINDS = {"very faint IHC": very_faint_ihc, "stitched": stitched, "mounting medium": medium, "blood": blood,
         "necrosis": necrosis, "dyed margins": dyed_margins, "cores": cores, "scanned islands": scanned_islands,
         "ringed by a pen": ringed}
