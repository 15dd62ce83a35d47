"""Every value of every filter against definitions in NumPy, for all sizes, tiles, workers and
instruction sets; and proof that the images used would show the usual mistakes."""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

F = np.float32
SIZES = ((97, 131), (64, 64), (5, 200), (1, 33), (33, 1), (1, 1), (3, 2), (40, 700))
CHAINS = ("none", "sobel", "gaussian:2.5", "gaussian:2.5:uint8", "gaussian:0.7", "median", "absorbance",
          "separation", "gaussian:2.5,sobel", "median,gaussian:2.5:uint8,sobel", "absorbance,gaussian:2.5",
          "absorbance,median", "sobel,sobel", "separation,sobel", "gaussian:1,median,gaussian:1:uint8,absorbance")


# ---------------------------------------------------------------- definitions, of whole images

def grown(image, halo, mode):
    """Beyond its border an image goes on as it is there: edge aaa|abc, symmetric cba|abc."""
    return np.pad(image, ((halo, halo), (halo, halo), (0, 0)), mode=mode)


def sobel(image, mode="symmetric"):
    p = grown(image, 1, mode).astype(F)
    scale = F(1 / (4 * math.sqrt(2) * (255 if image.dtype == np.uint8 else 1)))
    smooth_x = (p[:, :-2] + p[:, 2:]) + F(2) * p[:, 1:-1]
    smooth_y = (p[:-2] + p[2:]) + F(2) * p[1:-1]
    down = smooth_x[2:] - smooth_x[:-2]
    right = smooth_y[:, 2:] - smooth_y[:, :-2]
    return np.sqrt(right * right + down * down) * scale


def outwards(parts, weights):
    """parts[k + radius] lies k pixels away."""
    middle = len(parts) // 2
    total = weights[0] * parts[middle]
    for k in range(1, middle + 1):
        total = total + weights[k] * (parts[middle - k] + parts[middle + k])
    return total


def fused(parts, weights):
    """The mistake of compilers: a product that is not rounded before it is added."""
    middle = len(parts) // 2
    total = weights[0] * parts[middle]
    for k in range(1, middle + 1):
        pair = (parts[middle - k] + parts[middle + k]).astype(np.float64)
        total = (np.float64(weights[k]) * pair + total).astype(F)
    return total


def rightwards(parts, weights):
    middle = len(parts) // 2
    total = F(0) * parts[0]
    for k, part in enumerate(parts):
        total = total + weights[abs(k - middle)] * part
    return total


def weights_of(sigma):
    radius = int(4 * sigma + 0.5)
    w = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (w / (w[0] + 2 * w[1:].sum())).astype(F)


def gaussian(image, sigma, as_bytes=False, mode="edge", add=outwards):
    weights = weights_of(sigma)
    r = len(weights) - 1
    p = grown(image, r, mode).astype(F)
    down = add([p[k:k + image.shape[0]] for k in range(2 * r + 1)], weights)
    across = add([down[:, k:k + image.shape[1]] for k in range(2 * r + 1)], weights)
    return np.clip(np.floor(across + F(0.5)), 0, 255).astype(np.uint8) if as_bytes else across


def median(image):
    p = grown(image, 2, "edge")
    h, w, _ = image.shape
    return np.sort(np.stack([p[i:i + h, j:j + w] for i in range(5) for j in range(5)]), axis=0)[12]


DENSITY = np.array([-math.log(max(v, 1) / 255) if v < 255 else 0.0 for v in range(256)]).astype(F)


def absorbance(image):
    return DENSITY[image]


def separation(image):
    stains = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
    q = np.linalg.inv(stains / np.sqrt((stains ** 2).sum(axis=1, keepdims=True))).astype(F)
    r, g, b = (DENSITY[image[..., c:c + 1]] for c in range(3))
    return (r * q[0] + g * q[1]) + b * q[2]


def apply(name, image):
    parts = name.split(":")
    if parts[0] == "gaussian":
        return gaussian(image, float(parts[1]), len(parts) > 2)
    return {"none": lambda i: i, "sobel": sobel, "median": median, "absorbance": absorbance,
            "separation": separation}[parts[0]](image)


def chain(names, image):
    for name in names.split(","):
        image = apply(name, image)
    return image


# ---------------------------------------------------------------- Macenko, on all pixels

def macenko(image):
    od = -np.log(np.clip(image.reshape(-1, 3).astype(np.float64), 1, 240) / 240)
    od = od[(od > 0.345).any(axis=1)]
    plane = np.linalg.eigh(np.cov(od.T))[1][:, [2, 1]]
    plane = plane * np.where(plane[0] < 0, -1, 1)
    angle = np.arctan2(od @ plane[:, 1], od @ plane[:, 0])
    pair = np.stack([plane @ [np.cos(a), np.sin(a)] for a in np.percentile(angle, (1, 99))])
    if pair[0, 0] < pair[1, 0]:
        pair = pair[::-1]
    pair = pair / np.sqrt((pair ** 2).sum(axis=1, keepdims=True))
    return pair, np.percentile(od @ np.linalg.pinv(pair), 99, axis=0)


def normalise(image, vectors, high):
    od = -np.log(np.clip(image.astype(np.float64), 1, 240) / 240)
    amount = od @ np.linalg.pinv(vectors) * (np.array([1.9705, 1.0308]) / high)
    new = amount @ np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
    return np.clip(np.floor(np.exp(-new) * 240 + 0.5), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- checks

def picture(random, rows, cols):
    """Waves of stain with noise: neither flat nor symmetric."""
    y, x = np.mgrid[0:rows, 0:cols]
    waves = np.stack([np.cos(x / 9 + 2 * c) + np.sin(y / 13 - c) + np.cos((x - y) / 31) for c in range(3)], -1)
    return np.clip([190, 130, 180] + 30 * waves + random.normal(0, 14, waves.shape), 0, 255).astype(np.uint8)


def stained(random, rows, cols):
    """Mixtures of two stains on glass."""
    h, e = random.gamma(2, 0.35, (2, rows, cols, 1))
    od = h * [0.6, 0.7, 0.35] + e * [0.2, 0.85, 0.45]
    image = 240 * np.exp(-od) + random.normal(0, 2, od.shape)
    image[:, : cols // 4] = 238 + random.normal(0, 1, image[:, : cols // 4].shape)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


class Program:
    def __init__(self, path, folder):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = Path(folder)
        self.failed = []
        self.checked = 0

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def filter(self, image, names, dtype, simd="auto", chunk=32, cell=(16, 48), workers=2, reading="tiled"):
        image.tofile(self.folder / "in")
        said = self.ask("filter", self.folder / "in", *image.shape[:2], names, simd, chunk, *cell, workers,
                        reading, self.folder / "out")
        if said != "done":
            self.expect(False, f"{names}: {said}")
            return None
        return np.fromfile(self.folder / "out", dtype).reshape(image.shape)

    def expect(self, holds, text):
        self.checked += 1
        if not holds:
            self.failed.append(text)
            print(f"FAILED: {text}", flush=True)


def same(a, b):
    return a is not None and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_values(program, random):
    """Each job has tiles, chunks and workers of its own."""
    sets = json.loads(program.ask("simd"))
    print("instruction sets:", ", ".join(sets))
    for names in CHAINS:
        for rows, cols in SIZES:
            image = picture(random, rows, cols)
            expected = chain(names, image)
            for turn, simd in enumerate([*sets, *sets, "auto"]):
                chunk = int(random.integers(1 if rows * cols < 500 else 5, 150))
                cell = tuple(int(n) for n in random.integers(1 if rows * cols < 500 else 7, 140, 2))
                workers = int(random.integers(1, 5))
                reading = ("tiled", "global", "bands", "global-bands")[turn % 4]
                found = program.filter(image, names, expected.dtype, simd, chunk, cell, workers, reading)
                program.expect(same(found, expected), f"{names} of {rows} x {cols}, {simd}, chunks of {chunk}, "
                               f"cells of {cell}, {workers} workers, {reading}")


def tiles_of(image, side):
    for y in range(0, image.shape[0], side):
        for x in range(0, image.shape[1], side):
            yield slice(y, y + side), slice(x, x + side)


def by_tiles(names, image, side, halo):
    """The mistake of filtering tiles as pictures of their own, or with too small a halo."""
    out = np.zeros_like(chain(names, image))
    for rows, cols in tiles_of(image, side):
        top, left = max(0, rows.start - halo), max(0, cols.start - halo)
        part = chain(names, image[top:rows.stop + halo, left:cols.stop + halo])
        own = part[rows.start - top:, cols.start - left:][:side, :side]
        out[rows, cols] = own[:image.shape[0] - rows.start, :image.shape[1] - cols.start]
    return out


def filled(names, image, halo, mode):
    """The mistake of one padding for a whole chain: its filters see filtered padding."""
    part = chain(names, grown(image, halo, mode))
    return part[halo:-halo, halo:-halo]


def check_mistakes(program, random):
    image = picture(random, 130, 150)
    halos = {"sobel": 1, "median": 2, "gaussian:2.5": 10, "gaussian:2.5:uint8": 10, "gaussian:2.5,sobel": 11}
    for names, halo in halos.items():
        right = program.filter(image, names, chain(names, image).dtype)
        wrong = {"a tile's own edge": by_tiles(names, image, 64, 0),
                 "a halo one short": by_tiles(names, image, 64, halo - 1),
                 "zeros outside": filled(names, image, halo, "constant")}
        for mistake, values in wrong.items():
            program.expect(right is not None and not same(right, values), f"{names}: {mistake} was not seen")
        program.expect(same(right, by_tiles(names, image, 64, halo)), f"{names}: the halo is enough")
    right = program.filter(image, "gaussian:2.5,sobel", F)
    program.expect(not same(right, filled("gaussian:2.5,sobel", image, 11, "edge")), "filtered padding was not seen")
    right = program.filter(image, "gaussian:2.5", F)
    for mistake, values in {"fused products": gaussian(image, 2.5, add=fused),
                            "another order": gaussian(image, 2.5, add=rightwards),
                            "another border": gaussian(image, 2.5, mode="symmetric")}.items():
        program.expect(not same(right, values), f"gaussian: {mistake} were not seen")


def check_stains(program, random):
    image = stained(random, 300, 420)
    image.tofile(program.folder / "in")
    said = [program.ask("stains", program.folder / "in", 300, 420, cell, workers)
            for cell, workers in ((512, 1), (64, 3), (17, 2))]
    program.expect(len(set(said)) == 1, "macenko: stains depend on tiles")
    found = json.loads(said[0])
    vectors, high = macenko(image)
    off = max(np.abs(vectors - found["vectors"]).max(), np.abs(high - found["high"]).max())
    program.expect(off < 1e-9, f"macenko: stains are {off} off")
    tissue = image[:, 120:]
    apart = [np.abs(macenko(tissue[part])[0] - vectors).max() for part in tiles_of(tissue, 60)]
    program.expect(max(apart) > 1e-3, "macenko: statistics of each tile would not be seen")
    outs = [program.filter(image, "macenko", np.uint8, chunk=chunk, cell=cell, workers=workers)
            for chunk, cell, workers in ((512, (512, 512), 1), (50, (33, 70), 3))]
    program.expect(same(outs[0], outs[1]), "macenko: pixels depend on tiles")
    differ = (outs[0] != normalise(image, vectors, high)).mean()
    program.expect(differ < 1e-4, f"macenko: {differ:.1e} of the values differ")
    found = program.filter(image, "macenko,sobel", F)
    program.expect(same(found, sobel(outs[0])), "macenko,sobel is sobel of macenko")
    flat = np.full((30, 40, 3), 250, np.uint8)
    flat.tofile(program.folder / "in")
    said = program.ask("stains", program.folder / "in", 30, 40, 64, 1)
    program.expect("too little tissue" in said, f"glass alone: {said}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled")
    parser.add_argument("--images", required=True)
    arguments = parser.parse_args()
    random = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(arguments.images, folder)
        check_values(program, random)
        check_mistakes(program, random)
        check_stains(program, random)
        program.process.stdin.close()
    print(f"{program.checked - len(program.failed)} of {program.checked} checks hold")
    sys.exit(1 if program.failed else 0)


if __name__ == "__main__":
    main()
