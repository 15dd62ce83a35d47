"""The studies' scripts run from end to end at sizes that show nothing but that; what they write is whole and kept."""

import csv
import json
import subprocess
import sys
import xml.dom.minidom

from untiled_app import ROOT, main


def study(app, findings, script, folder, *options):
    result = subprocess.run([sys.executable, ROOT / "scripts" / script, folder, "--untiled", app.program,
                             "--threads", "2", *map(str, options)], capture_output=True, text=True, check=False)
    findings.expect(result.returncode == 0, f"{script}: {result.stdout}{result.stderr}")
    findings.expect("seed" in result.stdout, f"{script} does not print its seeds")
    findings.expect((folder / "table.md").read_text() in result.stdout, f"{script} does not print its table")
    return json.loads((folder / "results.json").read_text())


def check_resolution(app, findings, folder):
    results = study(app, findings, "resolution_study.py", folder, "--kinds", "arrangement", "--side", 256,
                    "--patch", 128, "--distance", 40, "--slides", 6, "--test-slides", 8, "--steps", 3,
                    "--resolutions", 0.25, 0.5, 1.0, 2.0, "--patch-batch", 4)
    with open(folder / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    findings.expect([float(row["mpp"]) for row in rows] == [2.0, 1.0, 0.5, 0.25, 0.25], "resolutions")
    findings.expect(rows[-1]["trained_on"] == "patches of 128", f"last trained on {rows[-1]['trained_on']}")
    for row, written in zip(results["rows"], rows):
        findings.expect(row["auc"] == float(written["auc"]), "JSON and CSV differ")
        findings.expect(0 <= row["auc_low"] <= row["auc"] <= row["auc_high"] <= 1, f"interval of {row}")
        findings.expect(row["seconds_a_step"] > 0, f"seconds of {row}")
    picture = xml.dom.minidom.parse(str(folder / "resolution.svg"))
    findings.expect(len(picture.getElementsByTagName("circle")) == 8, "a point a resolution in both plots")


def check_patches(findings, folder):
    """Patches cover each slide once, and those of one slide are a group, whose probabilities are averaged."""
    with open(folder / "arrangement-test" / "patches.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    groups = {row["group"] for row in rows}
    findings.expect(len(rows) == 32 and len(groups) == 8, f"{len(rows)} patches of {len(groups)} slides")
    places = {row["region"] for row in rows}
    findings.expect(places == {"0,0,128,128", "128,0,128,128", "0,128,128,128", "128,128,128,128"},
                    f"patches at {places}")


def check_context(app, findings, folder):
    results = study(app, findings, "context_study.py", folder, "--size", 256, "--slides", 4, "--test-slides", 2,
                    "--steps", 4)
    findings.expect([row["trained_on"] for row in results["rows"]] == ["whole slides", "patches"], "rows")
    for row in results["rows"]:
        findings.expect(all(0 <= dice <= 1 for dice in row["pooled_dice"].values()), f"Dice of {row}")
        findings.expect(list(row["pooled_dice"]) == ["1", "2", "3", "4"], f"validations of {row}")


BATCHES = ("--side", 256, "--slides", 4, "--test-slides", 8, "--seen", 4, "--batches", 1, 2, 4, "--rates", 1e-3,
           "--bench-steps", 1)


def check_batches(app, findings, folder):
    results = study(app, findings, "batch_study.py", folder, *BATCHES, "--seeds", 1)
    found = [(row["batch"], row["steps"]) for row in results["accuracy"]]
    findings.expect(found == [(1, 4), (2, 2), (4, 1)], f"batches and steps {found}")
    layouts = sorted((row["ranks"], row["slides"]) for row in results["measured"])
    findings.expect(layouts == [(1, 1), (2, 1), (2, 2), (4, 1), (4, 4)], f"ranks and slides {layouts}")
    for row in results["measured"]:
        findings.expect(row["processor_seconds_a_slide"] > 0 and row["memory_bytes_a_rank"] > 0, f"figures of {row}")


def check_kept(app, findings, folder):
    """A second run takes finished rows from the folder, adds seeds, and refuses to mix studies."""
    first = json.loads((folder / "results.json").read_text())
    results = study(app, findings, "batch_study.py", folder, *BATCHES, "--seeds", 1, 2)
    findings.expect(results["measured"] == first["measured"], "the benchmark ran again")
    findings.expect(results["accuracy"][:3] == first["accuracy"], "finished trainings ran again")
    findings.expect([row["seed"] for row in results["accuracy"]] == [1] * 3 + [2] * 3, "seeds")
    other = subprocess.run([sys.executable, ROOT / "scripts" / "batch_study.py", folder, "--untiled", app.program],
                           capture_output=True, text=True, check=False)
    findings.expect(other.returncode != 0 and "another study (side, slides" in other.stderr,
                    f"results of two studies in one folder: {other.stderr}")


def check(app, folder, findings):
    check_resolution(app, findings, folder / "resolution")
    check_patches(findings, folder / "resolution")
    check_context(app, findings, folder / "context")
    check_batches(app, findings, folder / "batches")
    check_kept(app, findings, folder / "batches")


main(check)
