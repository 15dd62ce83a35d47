"""More kinds of painted pictures (label_pictures.py): what slides of archives have that a new slide has not."""

import numpy as np

from label_canvas import PENS, RECIPES, Canvas, blurred, wander


def cut_by_border(rng):
    """A section that goes on beyond one side of the picture, or two."""
    c = Canvas(rng)
    row, col = rng.choice((0.0, 0.5, 1.0)), rng.choice((0.0, 1.0))
    c.stain(c.blob(row, col, rng.uniform(0.45, 0.75)), RECIPES[rng.integers(len(RECIPES))], rng.uniform(0.3, 1.1))
    return c.picture(), c.mask


def dark_surround(rng):
    """The scanned part between a stage that is nearly black, with a soft edge; noise in the dark."""
    c = Canvas(rng)
    c.stain(c.blob(*rng.uniform(0.45, 0.55, 2), rng.uniform(0.2, 0.3)), RECIPES[rng.integers(0, 8)], rng.uniform(0.4, 1.1))
    picture = np.array(c.picture(), float)
    top, left = rng.uniform(0, 0.14, 2)
    bottom, right = 1 - rng.uniform(0, 0.14, 2)
    inside = (c.y > top * c.rows) & (c.y < bottom * c.rows) & (c.x > left * c.cols) & (c.x < right * c.cols)
    cover = blurred(inside.astype(float), rng.uniform(0.6, 3))[..., None]
    stage = rng.uniform(2, 34) + rng.uniform(-3, 3, 3) + rng.standard_normal(picture.shape) * rng.uniform(0.3, 2)
    return np.clip(picture * cover + stage * (1 - cover), 0, 255).round().astype(np.uint8), c.mask & inside


def frosted_end(rng):
    """The frosted end of the slide along a side, white or coloured and grainy, with writing on it."""
    c = Canvas(rng)
    c.stain(c.blob(rng.uniform(0.4, 0.6), rng.uniform(0.55, 0.65), rng.uniform(0.2, 0.3)), strength=rng.uniform(0.4, 1.1))
    end = c.x / c.cols < rng.uniform(0.12, 0.24) + rng.uniform(-0.01, 0.01) * (c.y / c.rows)
    colour = np.array(((225, 226, 224), (200, 203, 205), (150, 190, 220), (240, 180, 195), (245, 225, 140),
                       (170, 215, 170), (235, 160, 90))[rng.integers(7)], float)
    grain = 1 + rng.uniform(0.01, 0.05) * c.texture(rng.uniform(0.8, 2.0))
    cover = blurred(end.astype(float), rng.uniform(0.6, 1.5))[..., None]
    c.density = c.density * (1 - cover) + cover * grain[..., None] * -np.log10(colour / 245)
    lines = [wander(rng, (0.02, row), (rng.uniform(0.06, 0.11), row), 5, 0.012)
             for row in np.arange(0.15, rng.uniform(0.3, 0.9), 0.12)]
    c.ink(c.strokes(*lines, width=int(rng.integers(3, 7))), PENS[("black", "blue", "violet")[rng.integers(3)]],
          rng.uniform(0.6, 1.0))
    return c.picture(), c.mask


def faint_beside_strong(rng):
    """A control that is stained well beside a patient's tissue with hardly any stain."""
    c = Canvas(rng)
    c.stain(c.blob(rng.uniform(0.35, 0.65), rng.uniform(0.2, 0.27), rng.uniform(0.13, 0.2)), ("haematoxylin", "dab"),
            rng.uniform(0.6, 1.1))
    c.stain(c.blob(rng.uniform(0.4, 0.6), rng.uniform(0.62, 0.75), rng.uniform(0.2, 0.28)),
            ("haematoxylin", "haematoxylin"), rng.uniform(0.1, 0.2))
    return c.picture(), c.mask


def adhesive(rng):
    """A film of adhesive around the section that took some of the stain: smooth, ending along a soft line."""
    c = Canvas(rng)
    c.stain(c.blob(*rng.uniform(0.45, 0.55, 2), rng.uniform(0.2, 0.28)), strength=rng.uniform(0.5, 1.1))
    film = blurred(c.blob(*rng.uniform(0.45, 0.55, 2), rng.uniform(0.36, 0.5)).astype(float), rng.uniform(3, 12))
    c.density += (film * rng.uniform(0.006, 0.03))[..., None] * np.array(((0.2, 1.0, 0.4), (0.7, 0.8, 0.3))[rng.integers(2)])
    return c.picture(), c.mask


def dried_out(rng):
    """Air that crept in under the cover slip from a side: a branching front of grey bubbles, over glass and section."""
    c = Canvas(rng)
    c.stain(c.section(), strength=rng.uniform(0.5, 1.1))
    reach = rng.uniform(0.1, 0.3) + 0.06 * c.texture(rng.uniform(20, 40)) + 0.02 * c.texture(6)
    air = c.x / c.cols < reach if rng.random() < 0.5 else c.y / c.rows > 1 - reach
    cover = blurred(air.astype(float), 1)
    rims = np.exp(-(c.cells(rng.uniform(8, 24)) / rng.uniform(0.6, 1.2)) ** 2)
    c.density += (cover * (rng.uniform(0.0, 0.04) + rng.uniform(0.1, 0.4) * blurred(rims, 0.7)))[..., None]
    return c.picture(), c.mask


KINDS = {"cut by the border": cut_by_border, "dark surround": dark_surround, "frosted end": frosted_end,
         "faint beside strong": faint_beside_strong, "adhesive": adhesive, "dried out": dried_out}
