"""The verb label: its files as Pillow sees them, its exit codes, and what a bad slide does."""

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def run(program, *arguments, **options):
    return subprocess.run([program, "label", "--method", "otsu", *map(str, arguments)],
                          capture_output=True, text=True, **options)


def draw_slide(path, grey=130):
    """1,000 x 700 pixels of glass with 320 x 480 of tissue."""
    image = np.full((700, 1000, 3), 245, np.uint8)
    image[160:480, 320:800] = grey
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def check_outputs(program, folder):
    draw_slide(folder / "a" / "slide.png")
    result = run(program, folder / "a" / "slide.png", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("slide.png: ok, 21.")
    assert "scale is unknown" in result.stderr
    with Image.open(folder / "out" / "slide.png.mask.png") as mask:
        assert mask.mode == "L" and mask.size == (63, 44)
        assert mask.text["untiled:downsample"] == "16"
        pixels = np.asarray(mask)
    assert set(np.unique(pixels)) == {0, 255}
    assert (pixels[12:28, 22:48] == 255).all() and (pixels[:10] == 0).all()
    with Image.open(folder / "out" / "slide.png.preview.png") as preview:
        assert preview.mode == "RGB" and preview.size == (1000, 700)
        assert (np.asarray(preview) == [0, 200, 0]).all(-1).any()


def check_batch(program, folder):
    draw_slide(folder / "a" / "slide.png")
    draw_slide(folder / "b" / "slide.png", grey=100)
    (folder / "b" / "text.svs").write_text("no slide")
    Image.new("RGB", (300, 300), (240, 240, 240)).save(folder / "b" / "blank.png")
    result = run(program, folder / "[ab]" / "*.*", "--out", folder / "batch", "--json")
    assert result.returncode == 4, result.stderr
    assert "text.svs" in result.stderr and result.stderr.count("error:") == 1
    report = json.loads(result.stdout)
    status = [entry["status"] for entry in report["slides"]]
    assert sorted(status) == ["empty", "failed", "ok", "ok"] and report["failed"] == 1
    masks = sorted(path.name for path in (folder / "batch").glob("*.mask.png"))
    assert len(masks) == 3 and masks[0] == "blank.png.mask.png"
    assert sorted(e["threshold"] for e in report["slides"] if e["status"] == "ok") == [100, 130]
    blank = next(entry for entry in report["slides"] if entry["status"] == "empty")
    assert "blank" in blank["reason"] and blank["tissue_fraction"] == 0


def limit_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def check_failures(program, folder):
    draw_slide(folder / "a" / "slide.png")
    slide, out = folder / "a" / "slide.png", folder / "none"
    assert run(program, folder / "*.nothing", "--out", out).returncode == 2
    assert run(program, slide).returncode == 2
    assert run(program, slide, "--out", out, "--mpp", "0").returncode == 2
    assert run(program, slide, "--out", out, "--mpp", "4", "--level", "0").returncode == 2
    assert run(program, slide, "--out", out, "--origin", "nowhere").returncode == 2
    assert run(program, slide, "--out", out, "--level", "3").returncode == 3
    assert run(program, folder / "absent.svs", "--out", out).returncode == 3
    assert run(program, slide, "--out", slide).returncode == 3
    full = run(program, slide, "--out", out, preexec_fn=limit_file_size)
    assert full.returncode == 3 and "no space left" in full.stderr
    assert not list(out.glob("slide.png*"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled", required=True)
    program = parser.parse_args().untiled
    for check in (check_outputs, check_batch, check_failures):
        folder = Path(tempfile.mkdtemp())
        try:
            check(program, folder)
        finally:
            shutil.rmtree(folder)


main()
