"""What pictures of slides are painted with: stains, pens, sections, fat, ink, light (label_pictures.py)."""

import io

import numpy as np
from PIL import Image, ImageDraw

# Optical densities in red, green and blue of common stains, about 1 at the strongest.
STAINS = {
    "haematoxylin": (0.65, 0.70, 0.29), "eosin": (0.07, 0.99, 0.11), "dab": (0.27, 0.57, 0.78),
    "pale eosin": (0.10, 0.72, 0.35), "aniline blue": (0.85, 0.43, 0.20), "light green": (0.78, 0.25, 0.45),
    "sirius red": (0.12, 0.90, 0.62), "magenta": (0.18, 0.92, 0.35), "alcian blue": (0.87, 0.46, 0.16),
    "luxol blue": (0.80, 0.52, 0.22), "methylene blue": (0.75, 0.60, 0.22), "silver": (0.52, 0.58, 0.62),
    "saffron": (0.05, 0.35, 0.90), "aec": (0.18, 0.78, 0.58), "permanent red": (0.12, 0.86, 0.45),
}
RECIPES = (("haematoxylin", "eosin"), ("haematoxylin", "eosin"), ("haematoxylin", "pale eosin"),
           ("haematoxylin", "dab"), ("aniline blue", "sirius red"), ("haematoxylin", "magenta"),
           ("haematoxylin", "light green"), ("haematoxylin", "sirius red"), ("alcian blue", "eosin"),
           ("luxol blue", "eosin"), ("methylene blue", "methylene blue"), ("silver", "silver"),
           ("haematoxylin", "saffron"), ("haematoxylin", "aec"), ("haematoxylin", "permanent red"))
PENS = {"red": (205, 25, 30), "green": (30, 130, 70), "blue": (40, 60, 160), "black": (25, 25, 28),
        "orange": (235, 120, 30), "purple": (110, 40, 150), "violet": (85, 45, 165), "magenta": (190, 30, 130),
        "dark violet": (60, 30, 90), "light blue": (40, 150, 215), "brown": (120, 65, 35)}


def blurred(image, sigma):
    """Gaussian blur by Fourier transforms; the borders are mirrored."""
    pad = min(int(3 * sigma) + 1, min(image.shape) - 1)
    wide = np.pad(image, pad, mode="symmetric")
    y, x = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (x * x + y * y))
    return np.fft.irfft2(np.fft.rfft2(wide) * kernel, wide.shape)[pad:pad + image.shape[0], pad:pad + image.shape[1]]


class Canvas:
    """A picture as it grows: light that comes through, from 0 to 1, and the right mask."""

    def __init__(self, rng, rows=None, cols=None):
        self.rng = rng
        self.rows = rows or int(rng.integers(480, 760))
        self.cols = cols or int(rng.integers(560, 960))
        self.y, self.x = np.mgrid[0:self.rows, 0:self.cols].astype(float)
        self.mask = np.zeros((self.rows, self.cols), bool)
        self.density = np.zeros((self.rows, self.cols, 3))
        self.glass = self.usual_glass()

    def usual_glass(self):
        light = self.rng.uniform(228, 248)
        return light + self.rng.uniform(-4, 4, 3) + np.array((0, 0, 0))

    def texture(self, sigma):
        """Smooth noise of variance 1."""
        noise = blurred(self.rng.standard_normal((self.rows, self.cols)), sigma)
        return noise / noise.std()

    def blob(self, row, col, radius, raggedness=None, squash=None):
        """A ragged blob; places and radius in parts of the picture's rows and columns."""
        rng = self.rng
        rough = rng.uniform(0.08, 0.25) if raggedness is None else raggedness
        squash = rng.uniform(0.7, 1.4) if squash is None else squash
        turn = rng.uniform(0, np.pi)
        dy, dx = self.y - row * self.rows, self.x - col * self.cols
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        distance = np.hypot(u * squash, v / squash) / (radius * self.rows)
        return 1 - distance + rough * self.texture(rng.uniform(18, 45)) + 0.04 * self.texture(rng.uniform(4, 9)) > 0

    def section(self):
        """One of several ways in which sections lie."""
        rng = self.rng
        way = rng.integers(4)
        if way == 0:
            return self.blob(*rng.uniform(0.42, 0.58, 2), rng.uniform(0.27, 0.38))
        if way == 1:
            return (self.blob(rng.uniform(0.35, 0.6), rng.uniform(0.22, 0.32), rng.uniform(0.17, 0.24)) |
                    self.blob(rng.uniform(0.4, 0.65), rng.uniform(0.66, 0.78), rng.uniform(0.17, 0.24)))
        if way == 2:
            mask = self.blob(0.5, 0.5, rng.uniform(0.3, 0.38))
            hole = self.blob(*rng.uniform(0.44, 0.56, 2), rng.uniform(0.07, 0.12), 0.15)
            return mask & ~hole
        band = np.abs(self.y - self.rows * (0.5 + 0.12 * np.sin(self.x / self.cols * rng.uniform(2, 6) + rng.uniform(0, 6))))
        half = self.rows * rng.uniform(0.12, 0.2) * (1 + 0.3 * self.texture(40))
        return (band < half) & (np.abs(self.x - self.cols / 2) < self.cols * rng.uniform(0.33, 0.42))

    def stain(self, mask, recipe=("haematoxylin", "eosin"), strength=1.0, soft=None):
        """Adds a stained section: nuclei of the first stain, ground of the second."""
        rng = self.rng
        grain = rng.uniform(1.0, 2.2)
        first = np.clip(rng.uniform(0.15, 0.35) + 0.14 * self.texture(rng.uniform(4, 14)) + 0.1 * self.texture(grain), 0.02, 2)
        second = np.clip(rng.uniform(0.22, 0.4) + 0.12 * self.texture(rng.uniform(8, 20)) + 0.06 * self.texture(2), 0.05, 2)
        tint = 1 + rng.uniform(-0.1, 0.1, (2, 3))
        optical = first[..., None] * np.array(STAINS[recipe[0]]) * tint[0] + second[..., None] * np.array(STAINS[recipe[1]]) * tint[1]
        cover = np.clip(blurred(mask.astype(float), soft or rng.uniform(0.6, 1.4)), 0, 1)
        self.density += strength * optical * cover[..., None]
        self.mask |= mask

    def cells(self, side):
        """Distance from the nearest wall of a mosaic of cells of about one size, in pixels."""
        rng = self.rng
        down, across = int(self.rows / side) + 4, int(self.cols / side) + 4
        where = rng.uniform(0.08, 0.92, (down, across, 2))
        row, col = (self.y / side).astype(int) + 1, (self.x / side).astype(int) + 1
        first, second = np.full(self.mask.shape, 1e9), np.full(self.mask.shape, 1e9)
        for i in (-1, 0, 1):
            for k in (-1, 0, 1):
                at = where[row + i, col + k]
                d = np.hypot(self.y - (row + i - 1 + at[..., 0]) * side, self.x - (col + k - 1 + at[..., 1]) * side)
                second = np.minimum(second, np.maximum(first, d))
                first = np.minimum(first, d)
        return (second - first) / 2

    def fat(self, mask, side, strength=1.0):
        """Adds fat: thin walls around empty cells."""
        wall = self.rng.uniform(0.35, 0.7)
        there = np.exp(-(self.cells(side) / wall) ** 2) * mask
        there = blurred(there, self.rng.uniform(0.4, 0.8))
        optical = 0.35 * np.array(STAINS["eosin"]) + 0.12 * np.array(STAINS["haematoxylin"])
        self.density += strength * 0.9 * optical * there[..., None]
        self.mask |= mask

    def ink(self, cover, colour, opacity=1.0, hides=True):
        """Adds ink whose cover is from 0 to 1."""
        cover = np.clip(cover, 0, 1)
        optical = -np.log10(np.maximum(np.array(colour, float), 6) / 245)
        amount = cover * opacity * (1 + self.rng.uniform(0.03, 0.2) * self.texture(self.rng.uniform(12, 40)))
        self.density += np.clip(amount, 0, 1.5)[..., None] * optical
        if hides:
            self.mask &= cover < 0.5

    def strokes(self, *lines, width):
        """The cover of a pen's strokes, whose ends are soft."""
        image = Image.new("L", (self.cols, self.rows), 0)
        draw = ImageDraw.Draw(image)
        for line in lines:
            draw.line([(x * self.cols, y * self.rows) for x, y in line], fill=255, width=width, joint="curve")
            for x, y in line:
                x, y = x * self.cols, y * self.rows
                draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
        return np.clip(blurred(np.asarray(image, float) / 255, self.rng.uniform(0.8, 3.0)), 0, 1)

    def picture(self, shade=None, glass=None, noise=None, quality=None):
        """The 8-bit picture: light, noise and perhaps JPEG."""
        rng = self.rng
        light = (self.glass if glass is None else np.asarray(glass, float)) * 10 ** -self.density
        if shade is not None:
            light = light * shade[..., None]
        light = light + rng.standard_normal(light.shape) * (rng.uniform(0.4, 2.0) if noise is None else noise)
        image = Image.fromarray(np.clip(light, 0, 255).round().astype(np.uint8))
        if quality is None and rng.random() < 0.5:
            quality = int(rng.integers(60, 95))
        if quality:
            stream = io.BytesIO()
            image.save(stream, "JPEG", quality=quality)
            image = Image.open(stream).convert("RGB")
        return np.asarray(image)


def wander(rng, start, end, bends=3, width=0.08):
    """Places from one to another, not quite straight."""
    parts = np.linspace(0, 1, bends + 2)[:, None]
    line = np.array(start) * (1 - parts) + np.array(end) * parts
    line[1:-1] += rng.uniform(-width, width, (bends, 2))
    return [tuple(place) for place in line]
