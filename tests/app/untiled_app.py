"""What the checks of the executable share: running it, small slides, and findings."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import safetensors  # noqa: F401 (network.py needs it)
    import tifffile
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
SMALL_SLIDES = ROOT / "tests" / "slides"
REAL_SLIDES = ROOT.parent / "shared" / "slides"  # of scanners; few machines have them
MPP = 0.5
TIMEOUT_S = 1200


class App:
    """The executable."""

    def __init__(self, program):
        self.program = str(Path(program).resolve())
        self.built = self.stamp()

    def stamp(self):
        return Path(self.program).stat().st_mtime_ns

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def run(self, *arguments, **options):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True,
                              check=False, timeout=TIMEOUT_S, **options)

    def succeed(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert result.returncode == 0, f"{' '.join(map(str, arguments))}\n{result.stderr}"
        return result.stdout

    def json(self, *arguments, **options):
        return json.loads(self.succeed(*arguments, "--json", **options))

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)


class Findings:
    """Counts what holds and prints what does not, so that one fault does not hide the next."""

    def __init__(self):
        self.checked = 0
        self.failed = []

    def expect(self, holds, text):
        self.checked += 1
        if not holds:
            self.failed.append(text)
            print(f"FAILED: {text}", flush=True)
        return bool(holds)

    def close(self):
        print(f"{self.checked - len(self.failed)} of {self.checked} checks hold")
        sys.exit(1 if self.failed else 0)


def draw_tissue(rows, cols, seed=0):
    """Two stained blobs with nuclei on glass, [rows, cols, 3] bytes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:cols]
    image = np.full((rows, cols, 3), (243.0, 240.0, 245.0))
    for cy, cx, radius in ((0.35, 0.3, 0.28), (0.68, 0.66, 0.25)):
        distance = np.hypot(y / rows - cy, x / cols - cx) + 0.02 * np.sin(x / 17) * np.cos(y / 23)
        image[distance < radius] = (206.0, 138.0, 184.0)
    tissue = image[..., 1] < 200
    nuclei = tissue & (np.sin(x / 3.1) * np.sin(y / 2.7) > 0.7)
    image[nuclei] = (110.0, 70.0, 150.0)
    return np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def write_slide(path, rows=700, cols=600, seed=0, mpp=MPP):
    """A tiled TIFF without losses; returns its pixels."""
    pixels = draw_tissue(rows, cols, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb", compression="zlib",
                     resolution=(1e4 / mpp, 1e4 / mpp), resolutionunit="CENTIMETER")
    return pixels


def write_settings(path, slides, **sections):
    """A settings file that trains fast; JSON is YAML. `sections` are merged into it."""
    settings = {
        "run": {"folder": str(path.parent / "run")},
        "data": {"slides": [str(s) for s in slides], "level": 0, "cache": "none"},
        "train": {"steps": 3, "loss": "bce+dice", "validate_every": 2, "checkpoint_every": 2,
                  "optimizer": {"name": "adam", "learning_rate": 1e-2}},
        "augment": {"flip": True, "stain": 0.05},
        "streaming": {"tile": 256},
        "memory_budget": "1GiB",
        "threads": 2,
    }
    for name, value in sections.items():
        if isinstance(value, dict):
            settings.setdefault(name, {}).update(value)
        else:
            settings[name] = value
    path.write_text(json.dumps(settings, indent=1))
    return path


def small_and_real(small, real):
    """A slide of tests/slides, and a scanner's like it where that is there."""
    return [SMALL_SLIDES / small, *(path for path in [REAL_SLIDES / real] if path.exists())]


def read_rgb(path):
    """Level 0 of a slide by OpenSlide's own Python reader."""
    import openslide

    with openslide.OpenSlide(str(path)) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))


def files_of(folder):
    """Relative name -> bytes of every file under a folder; empty where there is none."""
    folder = Path(folder)
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}


REPORTS = {"report.csv", "report.json", "report.html", "timings.csv"}


def outputs_of(folder):
    """files_of a batch's folder without its reports and records."""
    return {name: data for name, data in files_of(folder).items()
            if name not in REPORTS and not name.startswith(".untiled/")}


def results_of(run):
    """The files of a run folder that repeat byte for byte."""
    kept = ("metrics.csv", "validation.csv", "checkpoints/last.safetensors",
            "checkpoints/best.safetensors")
    return {name: data for name, data in files_of(run).items()
            if name in kept or name.startswith("previews/")}


def metric_rows(run):
    """Complete rows of a run's metrics.csv."""
    try:
        return max(0, (Path(run) / "metrics.csv").read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def is_png(data):
    return data.startswith(b"\x89PNG\r\n\x1a\n")


def main(check):
    """Calls check(app, folder, findings) with a folder of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled", required=True)
    app = App(parser.parse_args().untiled)
    findings = Findings()
    folder = Path(tempfile.mkdtemp(prefix="untiled-app-"))
    try:
        check(app, folder, findings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    findings.expect(app.stamp() == app.built, "the executable was built anew during the check")
    findings.close()
