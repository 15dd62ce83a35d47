"""A run folder's files, exports against NumPy, and bytes that depend on no setting."""

import csv
import io
import json
import math

from untiled_app import (Image, MPP, files_of, is_png, main, np, outputs_of, read_rgb, results_of,
                         small_and_real, tifffile, write_settings, write_slide)
import network

STEPS = 4
NEAR_HALF = 1e-5

SUMMARY = {
    "seconds_per_step": float, "pixels_per_step": int, "parameters": int, "level": int,
    "losses": list, "ranks": int, "peak_rss_bytes": int, "total_rss_bytes": int,
    "budget_used_bytes": int, "best_dice": float,
    "device": str,
}
FILES = ("checkpoints/last.safetensors", "checkpoints/best.safetensors", "checkpoints/last.state",
         "metrics.csv", "timings.csv", "summary.json", "settings.yaml", "provenance.json")


class Setting:
    """The slides, a settings file and the first run, which the others are compared with."""

    def __init__(self, app, folder):
        self.app, self.folder = app, folder
        self.slides = [folder / "one.tif", folder / "two.tif"]
        self.pixels = [write_slide(self.slides[0], 700, 600),
                       write_slide(self.slides[1], 389, 511, 1)]
        self.yaml = write_settings(folder / "train.yaml", self.slides,
                                   data={"validation": [str(self.slides[1])]},
                                   train={"steps": STEPS})
        self.run = folder / "first"

    def train(self, out, *settings, resume=False):
        flags = [word for s in settings for word in ("--set", s)] + ["--resume"] * resume
        return self.app.run("train", self.yaml, "--out", out, *flags)

    def export(self, out, *settings, slides=None, flags=("--probability-type", "float32")):
        words = [word for s in settings for word in ("--set", s)]
        return self.app.run("export", "--checkpoint", self.run / "checkpoints/last.safetensors",
                            "--format", "png,probability", "--level", 0, "--out", out, *flags,
                            *words, *(slides or self.slides))


def check_summary(run, findings):
    summary = json.loads((run / "summary.json").read_text())
    for name, kind in SUMMARY.items():
        value = summary.get(name)
        good = isinstance(value, kind) or (kind is float and isinstance(value, int))
        findings.expect(good and not isinstance(value, bool), f"summary.json {name}: {value!r}")
    findings.expect(summary["parameters"] == 4492, f"parameters {summary['parameters']}")
    findings.expect(summary["level"] == 0 and summary["device"].startswith(("cpu", "cuda", "mps")),
                    f"level {summary['level']}, device {summary['device']}")
    losses = summary["losses"]
    findings.expect(len(losses) == STEPS and all(map(math.isfinite, losses)), f"losses {losses}")
    findings.expect(0 <= summary["best_dice"] <= 1, f"best_dice {summary['best_dice']}")
    findings.expect(0 < summary["seconds_per_step"] < 60, f"seconds {summary['seconds_per_step']}")
    sizes = (700 * 600, 389 * 511)
    findings.expect(min(sizes) <= summary["pixels_per_step"] <= max(sizes),
                    f"pixels_per_step {summary['pixels_per_step']}")
    findings.expect(summary["peak_rss_bytes"] > summary["budget_used_bytes"] > 0,
                    f"memory {summary['peak_rss_bytes']} {summary['budget_used_bytes']}")
    return losses


def check_metrics(run, losses, findings):
    text = (run / "metrics.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    findings.expect([int(r["step"]) for r in rows] == list(range(1, STEPS + 1)), f"steps {text}")
    findings.expect([float(r["loss"]) for r in rows] == losses, "losses of metrics and summary")
    clock = [name for name in rows[0] if "second" in name or "time" in name or "date" in name]
    findings.expect(not clock, f"metrics.csv holds times: {clock}")
    timed = next(csv.DictReader((run / "timings.csv").open()))
    findings.expect(any("second" in name for name in timed), f"timings.csv holds {list(timed)}")


def check_run_folder(setting, findings):
    result = setting.train(setting.run)
    assert result.returncode == 0, result.stderr
    files = files_of(setting.run)
    for name in FILES:
        findings.expect(name in files, f"the run folder lacks {name}")
    findings.expect(any(name.startswith("events.out.tfevents") for name in files), "no events")
    previews = {name: data for name, data in files.items() if name.startswith("previews/")}
    findings.expect(len(previews) == STEPS // 2, f"previews {list(previews)}")
    findings.expect(all(map(is_png, previews.values())), "a preview is no PNG")
    for name in previews:
        with Image.open(setting.run / name) as picture:
            picture.load()
            findings.expect(picture.mode == "RGB" and picture.width > 300, f"{name} {picture.size}")
    for name in ("curves.png", "labels/one.tif.png", "labels/two.tif.png"):
        findings.expect(is_png(files.get(name, b"")), f"{name} is no PNG")
    page = files.get("report.html", b"").decode()
    findings.expect(page.count("<figure>") == STEPS // 2 and "src=\"http" not in page and
                    f"step {STEPS}," in page, "report.html lacks previews or the last step")
    left = [name for name in files if "part" in name or "tmp" in name]
    findings.expect(not left, f"leftovers {left}")
    check_metrics(setting.run, check_summary(setting.run, findings), findings)
    tensors, metadata = network.load(setting.run / "checkpoints/last.safetensors")
    findings.expect(sum(t.size for t in tensors.values()) == 4492, "tensors of last.safetensors")
    findings.expect(metadata["widths"] == [2, 4, 8] and metadata["threshold"] == 0.5
                    and abs(metadata["training_mpp"] - MPP) < 1e-9, f"metadata {metadata}")


def check_resume_of_finished(setting, findings):
    before = files_of(setting.run)
    result = setting.train(setting.run, resume=True)
    findings.expect(result.returncode == 0, f"--resume on a finished run: {result.stderr}")
    after = files_of(setting.run)
    changed = [n for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
    findings.expect(not changed, f"--resume on a finished run changed {changed}")
    result = setting.train(setting.run)
    findings.expect(result.returncode == 2 and "not empty" in result.stderr,
                    f"train into a full folder: exit {result.returncode} {result.stderr}")
    findings.expect(files_of(setting.run) == after, "train into a full folder changed it")
    result = setting.train(setting.run, "train.loss=bce", resume=True)
    findings.expect(result.returncode == 2 and "train.loss" in result.stderr,
                    f"--resume with another loss: exit {result.returncode} {result.stderr}")


def check_training_invariance(setting, findings):
    expected = results_of(setting.run)
    scratch = setting.folder / "scratch"
    scratch.mkdir()
    variants = [("threads=1",), ("threads=3",), ("data.workers=0",), ("data.workers=2",),
                ("data.cache=ram",), ("data.cache=auto",), ("data.queue=1MiB", "data.workers=2"),
                ("data.cache=disk", f"run.scratch={scratch}"), ("memory_budget=3GiB",)]
    for i, variant in enumerate(variants):
        run = setting.folder / f"variant{i}"
        result = setting.train(run, *variant)
        findings.expect(result.returncode == 0,
                        f"{variant}: exit {result.returncode} {result.stderr}")
        found = results_of(run)
        changed = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
        findings.expect(not changed, f"training with {variant} changes {changed}")
    findings.expect(not list(scratch.iterdir()), "training left files in run.scratch")


def check_mask(path, p, findings):
    with Image.open(path) as image:
        findings.expect(image.mode == "L", f"{path.name} has mode {image.mode}")
        findings.expect(image.text.get("untiled:downsample") == "1"
                        and image.text.get("untiled:origin") == "qupath"
                        and "tissue" in image.text.get("untiled:classes", ""),
                        f"{path.name} says {image.text}")
        dpi = image.info.get("dpi")
        findings.expect(dpi is None or abs(dpi[0] - 25400 / MPP) < 30, f"{path.name} dpi {dpi}")
        mask = np.asarray(image)
    findings.expect(b"pHYs" in path.read_bytes()[:4096], f"{path.name} has no pHYs")
    findings.expect(set(np.unique(mask)) <= {0, 255}, f"{path.name} holds {np.unique(mask)[:9]}")
    if findings.expect(mask.shape == p.shape, f"{path.name} is {mask.shape}, not {p.shape}"):
        sure = np.abs(p - 0.5) > NEAR_HALF
        wrong = ((mask > 0) != (p > 0.5))[sure].sum()
        findings.expect(wrong == 0, f"{path.name}: {wrong} pixels are not probability > 0.5")


def check_probabilities(path, p, findings):
    found = tifffile.imread(path).squeeze()
    findings.expect(found.dtype == np.float32 and found.shape == p.shape,
                    f"{path.name} is {found.dtype} {found.shape}")
    error = np.abs(found - p).max()
    findings.expect(error <= 1e-5, f"{path.name} differs from NumPy's network by {error}")
    return found


def check_export(setting, findings):
    out = setting.folder / "masks"
    result = setting.export(out)
    findings.expect(result.returncode == 0, f"export: {result.stderr}")
    names = {f"{s.name}.{kind}" for s in setting.slides for kind in ("mask.png", "probability.tif")}
    findings.expect(set(outputs_of(out)) == names, f"export wrote {list(outputs_of(out))}")
    eight = setting.folder / "eight"
    setting.export(eight, flags=("--probability-type", "uint8"))
    for slide, pixels in zip(setting.slides, setting.pixels):
        p = network.predict(setting.run / "checkpoints/last.safetensors", pixels)[0]
        found = check_probabilities(out / f"{slide.name}.probability.tif", p, findings)
        check_mask(out / f"{slide.name}.mask.png", p, findings)
        with tifffile.TiffFile(eight / f"{slide.name}.probability.tif") as file:
            coarse = file.pages[0].asarray()
        findings.expect(coarse.dtype == np.uint8 and
                        (np.abs(coarse - 255.0 * found.astype(np.float64)) <= 0.5 + 1e-4).all(),
                        f"{slide.name}: uint8 is not round(255 p)")


def check_export_invariance(setting, findings):
    expected = outputs_of(setting.folder / "masks")
    scratch = setting.folder / "scratch"
    for i, variant in enumerate([
            ("streaming.tile=64",), ("streaming.tile=1024",), ("threads=1",), ("threads=3",),
            ("data.workers=0",), ("data.workers=2", "data.queue=1MiB"), ("memory_budget=600MiB",),
            ("data.cache=ram",), ("data.cache=disk", f"run.scratch={scratch}"), ("seed=7",)]):
        out = setting.folder / f"masks{i}"
        result = setting.export(out, *variant)
        findings.expect(result.returncode == 0, f"export with {variant}: {result.stderr}")
        found = outputs_of(out)
        changed = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
        findings.expect(not changed, f"export with {variant} changes {changed}")


def check_scanner_slide(setting, slide, findings):
    out = setting.folder / "scanner"
    result = setting.export(out, slides=[slide])
    findings.expect(result.returncode == 0, f"export of {slide.name}: {result.stderr}")
    p = network.predict(setting.run / "checkpoints/last.safetensors", read_rgb(slide))[0]
    check_probabilities(out / f"{slide.name}.probability.tif", p, findings)
    with Image.open(out / f"{slide.name}.mask.png") as image:
        mask = np.asarray(image)
    sure = np.abs(p - 0.5) > NEAR_HALF
    findings.expect(((mask > 0) == (p > 0.5))[sure].all(), f"the mask of {slide.name}")


def check(app, folder, findings):
    setting = Setting(app, folder)
    check_run_folder(setting, findings)
    check_resume_of_finished(setting, findings)
    check_training_invariance(setting, findings)
    check_export(setting, findings)
    check_export_invariance(setting, findings)
    for slide in small_and_real("aperio.svs", "CMU-1-Small-Region.svs"):
        check_scanner_slide(setting, slide, findings)


main(check)
