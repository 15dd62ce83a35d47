"""bench ranks: parts that add up, a model that another program repeats, and bench compare with both."""

import json
import math
import shutil

from untiled_app import is_png, main

FLAGS = ("bench", "ranks", "--unet-part", "96x128", "--resnet-part", "128x96", "--set", "streaming.tile=32", "--steps", 3)
SUMMIT = {"rate": 7.8e12, "latency": 10e-6, "link": 4e9, "sum": 20e9, "memory": 700e9}
FIELD = 359  # Pixels that the default U-Net sees.
UNET_PARAMETERS = 4492


def resnet18(width):
    """Convolutions (channels in, channels out, kernel, strides before and after), written out; parameters."""
    convs = [(3, width, 7, 1, 2)]
    channels, stride = width, 4
    for stage in range(4):
        out = width << stage
        step = 2 if stage else 1
        convs += [(channels, out, 3, stride, stride * step), (out, out, 3, stride * step, stride * step)]
        if stage:
            convs.append((channels, out, 1, stride, stride * step))
        stride *= step
        convs += [(out, out, 3, stride, stride)] * 2
        channels = out
    return convs, sum(i * o * k * k + 2 * o for i, o, k, _, _ in convs) + 2 * channels + 2


def grid(ranks):
    rows = max(r for r in range(1, math.isqrt(ranks) + 1) if ranks % r == 0)
    return rows, ranks // rows


def model(width, machine, side, ranks, slides):
    """docs/rank_model.md's formula for a ResNet-18 of two classes: compute, halo, sums in seconds."""
    convs, parameters = resnet18(width)
    rows, cols = grid(ranks)
    values = [(side // after) ** 2 * o for _, o, _, _, after in convs]
    macs = sum(v * i * k * k for v, (i, _, k, _, _) in zip(values, convs))
    compute = 8 * macs / ranks / machine["rate"] + 40 * sum(values) / ranks / machine["memory"]
    halo = 0.0
    for i, _, k, before, _ in convs[1:]:
        if k > 1 and ranks > 1:
            border = side / before * ((rows > 1) / cols + (cols > 1) / rows)
            messages = 2 * ((rows > 1) + (cols > 1))
            halo += 3 * (messages * machine["latency"] + 2 * border * (k // 2) * i * 4 / machine["link"])
    sums = 0.0
    if ranks * slides > 1:
        sums = (3 * len(convs) + 2) * 2 * math.log2(ranks * slides) * machine["latency"] + 28 * parameters / machine["sum"]
    return compute, halo, sums


def check_measured(report, most, counts, findings):
    rows = report["ranks"]
    for network in {row["network"] for row in rows}:
        of = [row for row in rows if row["network"] == network]
        found = [(row["scaling"], row["ranks"], row["slides"]) for row in of]
        expected = [("strong", n, 1) for n in counts] + [("weak", n, 1) for n in counts]
        expected += [("data parallel", n, n) for n in counts if n > 1]
        findings.expect(found == expected, f"{network}: {found}")
        one = {row["scaling"]: row["median_seconds"] for row in of if row["ranks"] == 1}
        for row in of:
            parts = row["parts"]
            findings.expect(len(row["seconds"]) == 3 and row["median_seconds"] == sorted(row["seconds"])[1], f"median: {row}")
            findings.expect(math.isclose(sum(parts.values()), row["median_seconds"], rel_tol=1e-6), f"parts: {row}")
            findings.expect(row["median_cpu_seconds"] == sorted(row["cpu_seconds"])[1] > 0, f"seconds of cores: {row}")
            findings.expect(min(parts.values()) >= 0 and parts["compute"] > 0, f"parts below zero: {row}")
            alone = one.get(row["scaling"], one["strong"])
            ideal = row["ranks"] if row["scaling"] == "strong" else 1
            findings.expect(math.isclose(row["efficiency"], alone / row["median_seconds"] / ideal), f"efficiency: {row}")
            part_rows = 96 if network.startswith("U-Net") else 128
            grown = row["ranks"] if row["scaling"] == "weak" else most
            findings.expect(row["rows"] == part_rows * grown, f"size: {row}")
            findings.expect(row["seconds_per_slide"] == row["median_seconds"] / row["slides"], f"a slide: {row}")
            check_bytes(row, findings)


def check_memory(report, findings):
    """A slide on one rank takes what it takes on each of two; what the first step of all loads is not counted."""
    of = {(row["scaling"], row["ranks"]): row.get("memory_bytes_per_rank") for row in report["ranks"] if row["network"].startswith("ResNet")}
    one, each = of["strong", 1], of["data parallel", 2]
    if one and each:
        findings.expect(one <= 1.2 * each + (16 << 20), f"memory of one rank {one}, of each of two {each}")


def check_bytes(row, findings):
    """U-Nets exchange no halos; sums have 24 bytes a parameter, and weights 4."""
    shares_tensors = row["network"].startswith("ResNet") and row["ranks"] > 1 and row["slides"] == 1
    findings.expect((row["halo_bytes_per_rank"] > 0) == shares_tensors, f"bytes of halos: {row}")
    findings.expect((row["sum_bytes_per_rank"] > 0) == (row["ranks"] > 1), f"bytes of sums: {row}")
    if row["network"].startswith("U-Net") and row["ranks"] > 1 and row["slides"] == 1:
        extra = row["sum_bytes_per_rank"] - 28 * UNET_PARAMETERS
        findings.expect(0 <= extra < 1000, f"bytes of sums: {extra} more than the parameters'")


def check_model(report, findings):
    """The file's predictions are those of the formula; of one rank the fitted model is what was measured."""
    machines = {"Summit-like GPU": SUMMIT}
    for entry in report["models"]:
        if entry["network"].startswith("ResNet"):
            machines[entry["machine"]] = {"rate": entry["flop_per_second"], "latency": entry["latency_seconds"], "memory": math.inf,
                                          "link": entry["link_bytes_per_second"], "sum": entry["sum_bytes_per_second"]}
    checked = 0
    for row in report["modelled"]:
        findings.expect(row["figures"] == "modelled" and math.isclose(sum(row["parts"].values()), row["seconds"]), f"{row}")
        if not row["network"].startswith("ResNet"):
            continue
        ranks = row["ranks"] // row["slides"]
        expected = model(16, machines[row["machine"]], row["rows"], ranks, row["slides"])
        found = tuple(row["parts"][part] for part in ("compute", "halo", "sums"))
        near = all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15) for a, b in zip(found, expected))
        findings.expect(near, f"model of {row['ranks']} ranks: {found}, expected {expected}")
        checked += 1
    findings.expect(checked == 44, f"{checked} predictions of ResNets")
    for row in report["ranks"]:
        if row["ranks"] == 1 and row["scaling"] == "strong":
            findings.expect(math.isclose(row["modelled"]["seconds"], row["parts"]["compute"]), f"fitted: {row}")


def check_halos_twice(report, findings):
    """Of U-Nets both sides of a border compute half a receptive field."""
    rows = {row["ranks"]: row for row in report["modelled"] if row["network"].startswith("U-Net") and row["scaling"] == "strong"}
    findings.expect(max(rows) == 2304, f"ranks {sorted(rows)}")
    side = rows[1]["rows"] / 48
    wider = min((side + FIELD) / side, 48) ** 2
    found = rows[2304]["parts"]["compute"] * 2304 / rows[1]["parts"]["compute"]
    findings.expect(math.isclose(found, wider, rel_tol=1e-9), f"work of halos {found}, expected {wider}")


def check_compared(app, folder, files, report, findings):
    out = folder / "compared"
    printed = app.succeed("bench", "compare", *files, "--out", out)
    text = (out / "comparison.md").read_text(encoding="utf-8")
    findings.expect(printed in text and "computed, not measured" in text, "what is printed stands in comparison.md")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("| ")][1:]
    measured = [row for row in rows if row[2] == "measured"]
    modelled = [row for row in rows if row[2] == "modelled"]
    findings.expect(len(rows) == len(measured) + len(modelled) and rows[:len(measured)] == measured, "every row says what it is")
    findings.expect(len(measured) == len(report["ranks"]) * len(files), f"{len(measured)} measured rows")
    gpus = [row for row in modelled if row[1] == "Summit-like GPU"]
    findings.expect(len(gpus) == 22 and max(int(row[4]) for row in gpus) == 2304, f"{len(gpus)} rows of GPUs, each once")
    findings.expect(all(row[12] != "-" for row in measured) and all(row[11] == row[12] == "-" for row in modelled),
                    "the model stands beside what was measured")
    findings.expect(is_png((out / "ranks.png").read_bytes()), "ranks.png")
    findings.expect(not (out / "comparison.png").exists(), "a chart of steps without steps")
    findings.expect(not (out / "prices.yaml").exists(), "prices where there is nothing to price")


def check_refusals(app, folder, findings):
    for words, code in ((("--ranks", "threads:1"), 2), (("--ranks", "1"), 2), (("--unet-part", "0x4"), 2), (("--steps", 0), 2),
                        (("--set", "model.colour=1"), 2), (("--network", "vit"), 2)):
        found = app.run(*FLAGS, *words, "--out", folder / "none.json")
        findings.expect(found.returncode == code and found.stderr.count("error:") == 1, f"{words}: {found.returncode} {found.stderr}")
        findings.expect(not (folder / "none.json").exists(), f"{words} wrote a file")
    found = app.run(*FLAGS, "--out", folder)
    findings.expect(found.returncode == 3, f"a folder in the file's place: {found.returncode} {found.stderr}")
    (folder / "bad.json").write_text(json.dumps({"kind": "measured", "name": "x", "ranks": [], "modelled": []}))
    found = app.run("bench", "compare", folder / "bad.json", "--out", folder / "bad")
    findings.expect(found.returncode == 3 and "bad.json" in found.stderr, f"no rows: {found.stderr}")


def check_plan(app, findings):
    for words in (("--size", "4000x9000"), ("--size", "4096x1024", "--set", "model.kind=resnet", "--set", "model.width=8", "--set",
                                            "data.labels=[a, b]", "--set", "train.loss=cross_entropy", "--set", "streaming.tile=128")):
        plan = app.json("plan", *words, "--ranks", 2)
        predicted = plan["predicted"] if "predicted" in plan else plan["ranks"]["predicted"]
        findings.expect(predicted["parts"]["compute"] > 0 and predicted["parts"]["sums"] > 0, f"plan: {predicted}")
        findings.expect("predicted step" in app.succeed("plan", *words, "--ranks", 2), f"plan {words} prints no prediction")


def check(app, folder, findings):
    out, again = folder / "ranks.json", folder / "again.json"
    app.succeed(*FLAGS, "--ranks", "threads:3", "--name", "here", "--out", out)
    report = json.loads(out.read_text())
    findings.expect(report["name"] == "here" and report["kind"] == "measured" and report["ranks_are"] == "threads", "name and kind")
    findings.expect(report["machine"]["processor"] and report["versions"]["git"], "machine and versions")
    check_measured(report, 3, [1, 2, 3], findings)
    check_memory(report, findings)
    check_model(report, findings)
    check_halos_twice(report, findings)
    again.write_text(json.dumps({**report, "name": "there"}))
    check_compared(app, folder, [out, again], report, findings)
    check_refusals(app, folder, findings)
    check_plan(app, findings)
    if shutil.which("mpirun") is None:
        print("mpirun is not installed: ranks were threads only")
        return
    processes = folder / "processes.json"
    app.succeed(*FLAGS, "--network", "unet", "--ranks", 2, "--name", "here", "--out", processes)
    report = json.loads(processes.read_text())
    findings.expect(report["ranks_are"] == "processes", "ranks of MPI are processes")
    check_measured(report, 2, [1, 2], findings)


main(check)
