"""Slide classifiers from outside: verify repeated in NumPy, and a cohort learned, killed, resumed, scored, exported."""

import csv
import json
import re

from untiled_app import ROOT, main, np, tifffile  # noqa: I001
import resnet_numpy

CONFIG = ROOT / "configs" / "resnet_slide.yaml"
STEPS = 120  # Of the run that learns.
ERRORS = ("max_relative_gradient_error", "relative_loss_error", "max_relative_logit_error",
          "max_relative_statistics_error")


def check_verify(app, findings, folder):
    dump = folder / "dump.safetensors"
    for depth, size, batch in ((18, "161x97", 1), (10, "290x1", 1), (10, "131x90", 2)):
        report = app.json("verify", CONFIG, "--size", size, "--tile", 32, "--dump", dump,
                          "--set", f"model.depth={depth}", "--set", "model.width=4",
                          "--set", f"train.batch={batch}")
        for name in ERRORS:
            findings.expect(0 <= report[name] <= 1e-12, f"{depth} {size} {batch}: {name} {report[name]}")
        check_dump(findings, f"ResNet-{depth} {size} x {batch}", dump, batch)


def check_dump(findings, what, dump, batch):
    tensors = resnet_numpy.load(dump)
    inputs = [tensors["input"]] + [tensors[f"input.{i}"] for i in range(1, batch)]
    logits, statistics = resnet_numpy.forward(tensors, inputs)
    error = np.abs(logits - tensors["logits"]).max() / np.abs(logits).max()
    findings.expect(error <= 1e-12, f"{what}: logits differ from NumPy's by {error}")
    loss = resnet_numpy.cross_entropy(logits, tensors["label"])
    error = abs(loss - float(tensors["loss"].ravel()[0])) / abs(loss)
    findings.expect(error <= 1e-12, f"{what}: the loss differs from NumPy's by {error}")
    for name, value in statistics.items():
        error = np.abs(tensors[name] - value).max() / np.abs(value).max()
        findings.expect(error <= 1e-12, f"{what}: {name} differs from NumPy's by {error}")


def settings(cohort, folder, seed=1):
    changes = (f"data.manifest={cohort / 'manifest.csv'}", "model.depth=10", "model.width=8",
               "train.steps=24", "train.batch=4", "train.validate_every=12",
               "train.checkpoint_every=4", "train.optimizer.learning_rate=4e-3",
               "streaming.tile=128", "memory_budget=2GiB", f"seed={seed}")
    return [CONFIG, "--out", folder, *(part for c in changes for part in ("--set", c))]


def check_learning(app, findings, folder):
    cohort = folder / "cohort"
    app.succeed("synth", "--cohort", 60, "--told-by", "detail", "--size", "256x256", "--seed", 1,
                "--out", cohort)
    run = folder / "run"
    app.succeed("train", *settings(cohort, run), "--set", f"train.steps={STEPS}",
                "--set", "train.validate_every=0", "--set", "train.checkpoint_every=40")
    other = folder / "other"
    app.succeed("synth", "--cohort", 12, "--told-by", "detail", "--size", "300x256", "--seed", 99,
                "--out", other)
    best = run / "checkpoints" / "last.safetensors"
    report = app.json("evaluate", "--checkpoint", best, "--manifest", other / "manifest.csv",
                      "--out", folder / "evaluation")
    findings.expect(report["auc"] >= 0.95, f"AUC on other seeds {report['auc']}")
    low, high = report["auc_interval"]
    findings.expect(low <= report["auc"] <= high, f"interval {low} {high}")
    check_auc(findings, folder / "evaluation" / "predictions.csv", report)
    check_export(app, findings, folder, best, other, report)
    check_resume(app, findings, folder, cohort, run)


def check_auc(findings, path, report):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    p = np.array([float(r["probability_positive"]) for r in rows])
    y = np.array([r["label"] == "positive" for r in rows])
    pairs = p[y][:, None] - p[~y][None]
    auc = float(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    findings.expect(abs(auc - report["auc"]) < 1e-12, f"AUC {report['auc']}, NumPy {auc}")
    accuracy = float(((p > 0.5) == y).mean())
    findings.expect(abs(accuracy - report["accuracy"]) < 1e-12, f"accuracy {report['accuracy']}")


def check_export(app, findings, folder, checkpoint, cohort, report):
    """The mean of the map's log odds is the slide's: pooling and the last layer are linear."""
    out = folder / "maps"
    app.succeed("export", "--checkpoint", checkpoint, "--out", out, "--probability-type", "float32",
                cohort / "slide_0001.tif")
    maps = [tifffile.imread(out / f"slide_0001.tif.{c}.probability.tif").astype(float)
            for c in ("negative", "positive")]
    findings.expect(maps[0].shape == (10, 8), f"map of {maps[0].shape}")
    findings.expect(np.abs(maps[0] + maps[1] - 1).max() < 1e-6, "probabilities do not add up")
    with open(out / "predictions.csv", newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    p = float(row["probability_positive"])
    of_slide = np.log(p / (1 - p))
    of_map = float(np.log(maps[1] / maps[0]).mean())
    findings.expect(abs(of_slide - of_map) < 1e-3 * max(1, abs(of_slide)),
                    f"log odds of the slide {of_slide}, of the map {of_map}")
    scored = {s["slide_id"]: s for s in report["slides"]}[row["slide_id"]]
    findings.expect(abs(scored["probabilities"]["positive"] - p) < 1e-12,
                    "export and evaluate differ")


def spilling(app, findings, folder, cohort):
    """Settings with room for about half of what blocks take in memory, and a plan that says so."""
    blocks = ("--set", "streaming.store=blocks")
    scratch = ("--set", f"run.scratch={folder / 'scratch'}")
    plan = (CONFIG, *settings(cohort, folder)[3:], *blocks)
    whole = app.json("plan", *plan)
    half = whole["stored_bytes"] // 2
    budget = whole["predicted_peak_bytes"] - half
    spilled = app.json("plan", *plan, *scratch, "--set", f"memory_budget={budget >> 20}MiB")
    findings.expect(whole["spilled_bytes"] == 0 and spilled["spilled_bytes"] > 0 and
                    spilled["spilled_layers"] > 0 and spilled["predicted_peak_bytes"] <= budget,
                    f"a plan that spills: {whole} {spilled}")
    # A run has readers of slides besides.
    refused = app.run("train", *settings(cohort, folder / "small"), *blocks,
                      "--set", "memory_budget=64MiB")
    least = int(re.search(r"least that works is (\d+) MiB", refused.stderr)[1])
    return (*blocks, *scratch, "--set", f"memory_budget={least - 1 - (half >> 20)}MiB")


def check_resume(app, findings, folder, cohort, run):
    again = folder / "again"
    # A run's last step validates whatever train.validate_every says.
    every = ("--set", "train.validate_every=10", "--set", "train.schedule.name=constant")
    app.succeed("train", *settings(cohort, again), "--set", "train.steps=10",
                "--set", "threads=1", *every)
    straight = folder / "straight"
    app.succeed("train", *settings(cohort, straight), *every)
    app.succeed("train", *settings(cohort, again), "--resume", *every,
                *spilling(app, findings, folder, cohort))
    for name in ("metrics.csv", "checkpoints/last.safetensors"):
        same = (again / name).read_bytes() == (straight / name).read_bytes()
        findings.expect(same, f"resumed, {name} has other bytes")
    summary = json.loads((run / "summary.json").read_text())
    findings.expect(summary["finished"] and summary["steps"] == STEPS, f"summary {summary}")


def check_refusals(app, findings, folder):
    manifest = folder / "manifest.csv"
    cohort = folder / "cohort"
    rows = (cohort / "manifest.csv").read_text().replace("positive", "strange")
    manifest.write_text("\n".join(line if line.startswith("slide,") else f"cohort/{line}"
                                  for line in rows.splitlines()))
    result = app.run("train", *settings(cohort, folder / "x"), "--set", f"data.manifest={manifest}")
    findings.expect(result.returncode == 3 and "strange" in result.stderr,
                    f"unknown label: {result.returncode} {result.stderr}")
    result = app.run("train", *settings(cohort, folder / "y"), "--set", "memory_budget=64MiB")
    findings.expect(result.returncode == 2 and "least that works" in result.stderr,
                    f"small budget: {result.returncode} {result.stderr}")
    result = app.run("train", *settings(cohort, folder / "z"), "--set", "train.loss=dice")
    findings.expect(result.returncode == 2, f"dice: {result.returncode} {result.stderr}")


def check(app, folder, findings):
    check_verify(app, findings, folder)
    check_learning(app, findings, folder)
    check_refusals(app, findings, folder)


main(check)
