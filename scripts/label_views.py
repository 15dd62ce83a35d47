"""More kinds of painted pictures (label_pictures.py): how a picture is taken, and what is in view beside a section."""

import numpy as np
from PIL import Image, ImageDraw

from label_canvas import PENS, RECIPES, Canvas, blurred, wander


def out_of_focus(rng):
    """A section and a pen's strokes, all blurred by the lens: light of ink and glass mixes at the edges."""
    c = Canvas(rng)
    c.stain(c.section(), RECIPES[rng.integers(len(RECIPES))], rng.uniform(0.5, 1.2))
    line = wander(rng, (rng.uniform(0.75, 0.95), 0.08), (rng.uniform(0.75, 0.95), 0.9), 3, 0.05)
    c.ink(c.strokes(line, width=int(rng.integers(8, 26))), PENS[list(PENS)[rng.integers(len(PENS))]], rng.uniform(0.6, 1.1))
    sigma = rng.uniform(1.5, 4.0)
    light = c.glass * 10 ** -c.density
    light = np.stack([blurred(light[..., i], sigma) for i in range(3)], -1)
    c.density, c.glass = np.zeros_like(light), light
    return c.picture(noise=rng.uniform(0.3, 1.2)), c.mask


def slide_in_view(rng):
    """A whole slide: a paper label with a printed code at one end, the slide's own edges, a dark table around."""
    c = Canvas(rng, int(rng.integers(480, 600)), int(rng.integers(860, 1100)))
    c.stain(c.blob(rng.uniform(0.4, 0.6), rng.uniform(0.55, 0.7), rng.uniform(0.15, 0.28)), strength=rng.uniform(0.4, 1.1))
    picture = np.array(c.picture(quality=0), float)
    paper = Image.new("L", (c.cols, c.rows), 0)
    code = Image.new("L", (c.cols, c.rows), 0)
    left, top, right = 0.02 * c.cols, rng.uniform(0.06, 0.12) * c.rows, rng.uniform(0.2, 0.26) * c.cols
    ImageDraw.Draw(paper).rectangle((left, top, right, c.rows - top), fill=255)
    draw = ImageDraw.Draw(code)
    side, x, y = int(rng.integers(4, 8)), left + 12, top + 14
    for i in range(14):
        for k in range(14):
            if rng.random() < 0.5:
                draw.rectangle((x + side * k, y + side * i, x + side * k + side - 1, y + side * i + side - 1), fill=255)
    for i in range(int(rng.integers(2, 6))):
        draw.text((x, y + 16 * side + 16 * i), "S" + str(rng.integers(10 ** 8)), fill=255)
    for cover, colour in ((paper, rng.uniform(225, 252, 3)), (code, rng.uniform(20, 60) + np.zeros(3))):
        part = blurred(np.asarray(cover, float) / 255, 0.7)[..., None]
        grain = rng.standard_normal((c.rows, c.cols, 1)) * rng.uniform(0.5, 2.0)
        picture = picture * (1 - part) + (colour + grain) * part
    rim = rng.uniform(0.01, 0.05) * c.rows
    edge = np.minimum(np.minimum(c.x, c.cols - 1 - c.x), np.minimum(c.y, c.rows - 1 - c.y))
    table = blurred((edge < rim).astype(float), 1)[..., None]
    picture = picture * (1 - table) + table * (rng.uniform(15, 60) + rng.standard_normal(picture.shape) * 2)
    bevel = np.exp(-((edge - rim - 2) / 1.5) ** 2)[..., None]
    picture *= 1 - rng.uniform(0.05, 0.35) * bevel
    return np.clip(picture, 0, 255).round().astype(np.uint8), c.mask & (edge > rim)


def filled_gaps(rng):
    """Fields that a scanner chose, and between them one colour that is brighter than the glass, or a little darker."""
    c = Canvas(rng)
    c.glass = rng.uniform(205, 240) + rng.uniform(-5, 5, 3)
    c.stain(c.section(), RECIPES[rng.integers(0, 8)], rng.uniform(0.3, 1.1))
    side = int(rng.integers(30, 90))
    wide = blurred(c.mask.astype(float), rng.uniform(4, 14)) > 0.02
    squares = np.zeros((-(-c.rows // side), -(-c.cols // side)), bool)
    np.logical_or.at(squares, (c.y[wide].astype(int) // side, c.x[wide].astype(int) // side), True)
    squares |= rng.random(squares.shape) < 0.08
    scanned = np.kron(squares, np.ones((side, side), bool))[:c.rows, :c.cols]
    picture = np.array(c.picture())
    picture[~scanned] = (255, 250, 245, 240, 230, (252, 250, 246), (200, 200, 200))[rng.integers(7)]
    return picture, c.mask & scanned


def crossed_by_a_pen(rng):
    """A pen's outline that follows the section's border and runs over it here and there."""
    c = Canvas(rng)
    radius = rng.uniform(0.24, 0.32)
    c.stain(c.blob(0.5, 0.5, radius, squash=1.0), RECIPES[rng.integers(len(RECIPES))], rng.uniform(0.4, 1.1))
    turns = np.linspace(0, rng.uniform(5.6, 6.6), 40)
    reach = radius * rng.uniform(1.0, 1.25) * (1 + 0.1 * np.sin(turns * 3 + rng.uniform(0, 6)))
    outline = list(zip(0.5 + reach * c.rows / c.cols * np.cos(turns), 0.5 + reach * np.sin(turns)))
    c.ink(c.strokes(outline, width=int(rng.integers(6, 22))), PENS[list(PENS)[rng.integers(len(PENS))]],
          rng.uniform(0.6, 1.1))
    return c.picture(), c.mask


def dyed_glass(rng):
    """Glass that kept some of the stain, more towards one side, with drops that dried."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.4, 1.1))
    turn = rng.uniform(0, 2 * np.pi)
    slope = np.clip(0.5 + 0.5 * (np.cos(turn) * (c.x / c.cols - 0.5) + np.sin(turn) * (c.y / c.rows - 0.5)) / 0.7, 0, 1)
    tint = np.array(((0.07, 0.99, 0.11), (0.3, 0.35, 0.15), (0.1, 0.3, 0.9))[rng.integers(3)])
    c.density += (rng.uniform(0.01, 0.07) * slope * (1 + 0.08 * c.texture(60)))[..., None] * tint
    return c.picture(), c.mask


def lung(rng):
    """Walls around air spaces of many sizes, with vessels and denser parts; the air spaces count."""
    c = Canvas(rng)
    mask = c.blob(0.5, 0.5, rng.uniform(0.3, 0.4))
    side, wall = rng.uniform(8, 15), rng.uniform(1.0, 2.2)
    walls = mask & (c.cells(side) < wall * (1 + 0.3 * c.texture(8)))
    dense = mask & (c.texture(rng.uniform(12, 30)) > rng.uniform(0.8, 1.6))
    c.stain(walls | dense, strength=rng.uniform(0.6, 1.2))
    c.mask |= mask
    return c.picture(), c.mask


def small(rng):
    """A picture of some hundred pixels, as previews are."""
    c = Canvas(rng, int(rng.integers(130, 300)), int(rng.integers(130, 300)))
    mask = c.blob(*rng.uniform(0.42, 0.58, 2), rng.uniform(0.22, 0.36), 0.1)
    c.stain(mask, RECIPES[rng.integers(len(RECIPES))], rng.uniform(0.4, 1.1))
    return c.picture(), c.mask


def bright_dust(rng):
    """Dim tissue over a dark background beside dust, fibres and a smear that glow more than it does."""
    c = Canvas(rng)
    mask = c.section()
    level = rng.uniform(6, 20)
    tissue = np.clip(1 + 0.25 * c.texture(rng.uniform(5, 20)), 0.4, 3) * level * blurred(mask.astype(float), 1)
    image = Image.new("L", (c.cols, c.rows), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(10, 60))):
        x, y, r = rng.uniform(0, c.cols), rng.uniform(0, c.rows), rng.exponential(1.5) + 0.5
        draw.ellipse((x - r, y - r, x + r, y + r), fill=int(rng.integers(60, 255)))
    for _ in range(int(rng.integers(1, 4))):
        line = wander(rng, rng.uniform(0, 1, 2), rng.uniform(0, 1, 2), 5, 0.06)
        draw.line([(x * c.cols, y * c.rows) for x, y in line], fill=200, width=int(rng.integers(1, 3)), joint="curve")
    glow = blurred(np.asarray(image, float) / 255, rng.uniform(0.8, 1.6)) * rng.uniform(40, 200)
    colour = np.array(((0.2, 0.4, 1), (0.2, 1, 0.3), (1, 1, 1), (1, 0.3, 0.2))[rng.integers(4)])
    light = rng.uniform(2, 14) + (tissue + glow)[..., None] * np.maximum(colour, 0.25)
    light += rng.standard_normal(light.shape) * rng.uniform(0.3, 1.2)
    return np.clip(light, 0, 255).round().astype(np.uint8), mask


KINDS = {"out of focus": out_of_focus, "slide in view": slide_in_view, "filled gaps": filled_gaps,
         "crossed by a pen": crossed_by_a_pen, "dyed glass": dyed_glass, "lung": lung, "small": small,
         "bright dust": bright_dust}
