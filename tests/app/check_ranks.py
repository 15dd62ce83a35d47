"""Slides over ranks: the bytes of one rank, as threads and as processes, also after faults."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import tifffile

from mpi import LIMIT_S, POLITE, finish, same
from untiled_app import (Image, files_of, main, metric_rows, np, outputs_of, results_of,
                         write_settings, write_slide)

STEPS = 4


def mpirun(app, ranks, *arguments):
    command = ["mpirun", "-n", str(ranks), *app.command(*arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **POLITE})


def program(app, ranks, *arguments):
    """The program itself, which starts mpirun."""
    command = [*app.command(*arguments), "--ranks", str(ranks)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **POLITE})


def check_bytes(app, yaml, folder, expected, findings):
    layouts = {2: "rows", 3: "auto", 4: "2x2"}
    for ranks, layout in layouts.items():
        run = folder / f"threads{ranks}"
        app.succeed("train", yaml, "--out", run, "--ranks", f"threads:{ranks}",
                    "--set", f"ranks.layout={layout}")
        same(run, expected, findings, f"{ranks} threads")
        if shutil.which("mpirun") is None:
            continue
        run = folder / f"processes{ranks}"
        code, stderr = finish(mpirun(app, ranks, "train", yaml, "--out", run,
                                     "--set", f"ranks.layout={layout}"))
        findings.expect(code == 0, f"{ranks} processes: exit {code} {stderr[-800:]}")
        same(run, expected, findings, f"{ranks} processes")
        summary = json.loads((run / "summary.json").read_text())
        findings.expect(summary["ranks"] == ranks, f"ranks in summary.json: {summary['ranks']}")
        findings.expect(summary["rank_sums"] == "host: rank 0 computes on no CUDA device", f"sums: {summary['rank_sums']}")
        findings.expect(summary["total_rss_bytes"] > ranks * summary["peak_rss_bytes"] * 0.7,
                        f"memory: {summary['total_rss_bytes']} {summary['peak_rss_bytes']}")


def check_start(app, yaml, folder, expected, findings):
    """--ranks N starts mpirun itself."""
    run = folder / "started"
    app.succeed("train", yaml, "--out", run, "--ranks", 2)
    same(run, expected, findings, "--ranks 2")


def check_resume(app, yaml, folder, expected, findings):
    run = folder / "resumed"
    app.succeed("train", yaml, "--out", run, "--ranks", "threads:3", "--set", "train.steps=2")
    code, stderr = finish(mpirun(app, 2, "train", yaml, "--out", run, "--resume"))
    findings.expect(code == 0, f"resumed by two ranks: exit {code} {stderr[-800:]}")
    same(run, expected, findings, "two steps on three ranks and the rest on two")


def check_teams(app, yaml, folder, findings):
    """Two slides at a time, each over two ranks."""
    flags = ("--set", "train.accumulate=2")
    app.succeed("train", yaml, "--out", folder / "one", *flags)
    run = folder / "teams"
    app.succeed("train", yaml, "--out", run, *flags, "--ranks", "threads:4",
                "--set", "ranks.per_slide=2")
    same(run, results_of(folder / "one"), findings, "two teams of two ranks")
    result = app.run("train", yaml, "--out", folder / "refused", "--ranks", "threads:4",
                     "--set", "ranks.per_slide=2")
    findings.expect(result.returncode == 2 and "train.accumulate to 2" in result.stderr,
                    f"teams without slides: {result.returncode} {result.stderr}")


def wait_for_rows(process, run, rows):
    limit = time.monotonic() + LIMIT_S
    while metric_rows(run) < rows and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)


def check_signal(app, yaml, folder, start, number, codes, whole, findings):
    """Saved, ended, and resumed to the same bytes; whoever passes on what ranks say ends with their code."""
    name = f"{signal.Signals(number).name} to {start.__name__}"
    run = folder / name.replace(" ", "_")
    process = start(app, 3, "train", yaml, "--out", run)
    wait_for_rows(process, run, 3)
    begin = time.monotonic()
    process.send_signal(number)
    code, stderr = finish(process)
    findings.expect(time.monotonic() - begin < 10, f"{name}: {time.monotonic() - begin:.1f} s")
    findings.expect((run / "checkpoints" / "last.state").exists(), f"{name}: nothing was saved")
    if codes:
        findings.expect(code in codes, f"{name}: exit {code} {stderr[-500:]}")
        findings.expect("--resume goes on from there" in stderr, f"{name}: {stderr[-500:]}")
    else:
        findings.expect(code != 0, f"{name}: exit {code} {stderr[-500:]}")
    app.succeed("train", yaml, "--out", run, "--resume")
    same(run, whole, findings, f"resumed after {name}")


def check_lost_program(app, yaml, folder, findings):
    """Where the program that started mpirun is killed, the ranks do not train on."""
    run = folder / "lost"
    process = program(app, 2, "train", yaml, "--out", run)
    wait_for_rows(process, run, 3)
    process.kill()
    finish(process)
    limit = time.monotonic() + 15
    while time.monotonic() < limit and still_runs(run):
        time.sleep(0.1)
    findings.expect(not still_runs(run), "ranks of a program that was killed go on")


def still_runs(run):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(run).encode() in words:
            return True
    return False


def is_mpich():
    version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=False)
    return "HYDRA" in version.stdout


def rank_of(process_id):
    with open(f"/proc/{process_id}/environ", "rb") as environment:
        for entry in environment.read().split(b"\0"):
            if entry.startswith((b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK=")):
                return int(entry.split(b"=")[1])
    return None


def descendants_of(process_id):
    """MPICH's launcher has processes of its own between itself and the ranks."""
    with open(f"/proc/{process_id}/task/{process_id}/children") as children:
        for child in map(int, children.read().split()):
            yield child
            yield from descendants_of(child)


def check_kill(app, yaml, folder, whole, findings):
    run = folder / "killed"
    process = mpirun(app, 3, "train", yaml, "--out", run)
    wait_for_rows(process, run, 3)
    victims = [child for child in descendants_of(process.pid) if rank_of(child) == 1]
    begin = time.monotonic()
    os.kill(victims[0], signal.SIGKILL)
    code, stderr = finish(process)
    # MPICH gives the signal's number, and says on stdout what ended, without its rank.
    expected = 9 if is_mpich() else 137
    findings.expect(code == expected, f"a killed rank: exit {code} {stderr[-500:]}")
    findings.expect(time.monotonic() - begin < 10, f"a killed rank: {time.monotonic() - begin:.1f} s")
    findings.expect(is_mpich() or "rank 1" in stderr, f"who was killed: {stderr[-500:]}")
    app.succeed("train", yaml, "--out", run, "--resume")
    same(run, whole, findings, "resumed after a killed rank")


def spoil_tile(slide, index):
    """Fills a tile with what is no zlib stream."""
    with tifffile.TiffFile(slide) as tiff:
        page = tiff.pages[0]
        offset, size = page.dataoffsets[index], page.databytecounts[index]
    with open(slide, "r+b") as file:
        file.seek(offset)
        file.write(b"\x5a" * size)


def check_bad_tile(app, folder, findings):
    slide = folder / "bad.tif"
    write_slide(slide, 2000, 600)
    yaml = settings_of(folder / "bad.yaml", [slide], STEPS)
    spoil_tile(slide, -1)  # At the bottom, which the last rank reads.
    for launch in ("threads", "processes"):
        run = folder / f"bad_{launch}"
        begin = time.monotonic()
        if launch == "threads":
            result = app.run("train", yaml, "--out", run, "--ranks", "threads:3")
            code, stderr = result.returncode, result.stderr
        else:
            code, stderr = finish(mpirun(app, 3, "train", yaml, "--out", run))
        findings.expect(code == 3, f"an unreadable tile, {launch}: exit {code} {stderr[-800:]}")
        findings.expect(stderr.count("error: ") == 1, f"one sentence, {launch}: {stderr[-800:]}")
        findings.expect("bad.tif" in stderr, f"which slide, {launch}: {stderr[-800:]}")
        findings.expect(time.monotonic() - begin < 30, f"an unreadable tile, {launch}, takes long")


def classifier_settings(path, manifest):
    """A ResNet of four channels on two slides a step, of which one is cut and one is not."""
    path.write_text(json.dumps({
        "data": {"manifest": str(manifest), "labels": ["plain", "spotted"], "cache": "none"},
        "model": {"kind": "resnet", "depth": 10, "width": 4},
        "train": {"steps": 4, "batch": 2, "loss": "cross_entropy", "validate_every": 2,
                  "checkpoint_every": 2, "optimizer": {"name": "adamw", "learning_rate": 1e-3}},
        "augment": {"flip": True},
        "streaming": {"tile": 32}, "memory_budget": "1GiB", "threads": 1}, indent=1))
    return path


def write_cohort(folder):
    sizes = {"a.tif": (700, 300), "b.tif": (290, 310), "c.tif": (520, 260)}
    rows = ["slide,label,mask,split"]
    for i, (name, (height, width)) in enumerate(sizes.items()):
        write_slide(folder / name, height, width, seed=i)
        rows.append(f"{name},{('plain', 'spotted')[i % 2]},,train")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(rows) + "\n")
    return manifest


def check_classifier(app, folder, findings):
    """Threads, processes, and a run that another number of ranks goes on with."""
    manifest = write_cohort(folder / "cohort")
    yaml = classifier_settings(folder / "classifier.yaml", manifest)
    app.succeed("train", yaml, "--out", folder / "classifier1")
    expected = results_of(folder / "classifier1")
    run = folder / "classifier3"
    app.succeed("train", yaml, "--out", run, "--ranks", "threads:3")
    same(run, expected, findings, "a classifier on 3 threads")
    run = folder / "classifier_resumed"
    app.succeed("train", yaml, "--out", run, "--ranks", "threads:4", "--set", "train.steps=2")
    if shutil.which("mpirun") is None:
        app.succeed("train", yaml, "--out", run, "--resume")
    else:
        code, stderr = finish(mpirun(app, 2, "train", yaml, "--out", run, "--resume"))
        findings.expect(code == 0, f"a classifier resumed by two ranks: {code} {stderr[-800:]}")
        summary = json.loads((run / "summary.json").read_text())
        findings.expect(summary["ranks"] == 2, f"ranks of a classifier: {summary['ranks']}")
    same(run, expected, findings, "a classifier on four ranks, then two")
    check_classifier_layouts(app, yaml, folder, expected, findings)
    check_shared(app, "classes", folder, folder / "classifier1" / "checkpoints" / "best.safetensors",
                 [folder / "cohort" / name for name in ("a.tif", "b.tif")], manifest, findings,
                 "--set", "threads=1", "--set", "ranks.layout=columns", "--set", "streaming.tile=32")
    spoil_tile(folder / "cohort" / "a.tif", -1)
    result = app.run("train", yaml, "--out", folder / "classifier_bad", "--ranks", "threads:3")
    findings.expect(result.returncode == 3 and result.stderr.count("error: ") == 1 and
                    "a.tif" in result.stderr,
                    f"a classifier's unreadable tile: {result.returncode} {result.stderr[-800:]}")
    code, stderr = run_over(app, "threads:3", "evaluate", "--checkpoint",
                            folder / "classifier1" / "checkpoints" / "best.safetensors",
                            "--manifest", manifest, "--set", "streaming.tile=32")
    findings.expect(code == 4 and stderr.count("error: ") == 1 and "a.tif" in stderr,
                    f"a classifier's evaluation: exit {code} {stderr[-500:]}")


def check_classifier_layouts(app, yaml, folder, expected, findings):
    """Columns and grids of threads and processes, and two teams with a slide each: the same bytes."""
    layouts = {"columns": ("threads:3", "ranks.layout=columns"), "grid": ("threads:6", "ranks.layout=3x2"),
               "teams": ("threads:4", "ranks.per_slide=2")}
    for name, (launch, setting) in layouts.items():
        run = folder / f"classifier_{name}"
        app.succeed("train", yaml, "--out", run, "--ranks", launch, "--set", setting)
        same(run, expected, findings, f"a classifier on {launch}, {setting}")
    result = app.run("train", yaml, "--out", folder / "no_team", "--ranks", "threads:3",
                     "--set", "ranks.per_slide=1")
    findings.expect(result.returncode == 2 and "train.batch to 3" in result.stderr, result.stderr)
    result = app.run("train", yaml, "--out", folder / "no_grid", "--ranks", "threads:3",
                     "--set", "ranks.layout=2x2")
    findings.expect(result.returncode == 2 and "for 4 ranks" in result.stderr, result.stderr)
    if shutil.which("mpirun") is None:
        return
    run = folder / "classifier_processes"
    code, stderr = finish(mpirun(app, 4, "train", yaml, "--out", run, "--set", "ranks.layout=2x2"))
    findings.expect(code == 0, f"a classifier on 2x2 processes: exit {code} {stderr[-800:]}")
    same(run, expected, findings, "a classifier on 2x2 processes")


def exported(folder):
    """What repeats byte for byte of a batch's folder: all but its times."""
    return {name: data for name, data in files_of(folder).items()
            if name != "timings.csv" and not name.endswith(".seconds.json")}


def output_over(app, launch, *arguments):
    """Exit code, stdout and stderr of a verb over `threads:3`, or over so many processes."""
    if launch.startswith("threads"):
        result = app.run(*arguments, "--ranks", launch)
        return result.returncode, result.stdout, result.stderr
    process = mpirun(app, launch, *arguments)
    stdout, stderr = process.communicate(timeout=LIMIT_S)
    return process.returncode, stdout, stderr


def run_over(app, launch, *arguments):
    """Exit code and stderr."""
    code, _, stderr = output_over(app, launch, *arguments)
    return code, stderr


def launches():
    return ("threads:3",) if shutil.which("mpirun") is None else ("threads:3", "2")


def check_shared(app, what, folder, checkpoint, slides, manifest, findings, *flags):
    """Exports and scores of slides that ranks share."""
    for verb, arguments in (("export", (*slides, *flags)),
                            ("evaluate", ("--manifest", manifest, *flags[-4:]))):
        command = (verb, "--checkpoint", checkpoint, *arguments)
        app.succeed(*command, "--out", folder / f"{what}_{verb}")
        expected = exported(folder / f"{what}_{verb}")
        for launch in launches():
            out = folder / f"{what}_{verb}_{launch}"
            code, stderr = run_over(app, launch, *command, "--out", out)
            found = exported(out)
            changed = [n for n in expected.keys() | found.keys()
                       if expected.get(n) != found.get(n)]
            findings.expect(code == 0 and len(found) > 1 and not changed,
                            f"{what}, {verb}, {launch}: exit {code}, {changed} of {list(found)} "
                            f"differ: {stderr[-500:]}")


def check_files(app, folder, checkpoint, findings):
    """Masks of a slide of several columns of tiles, and of a small one."""
    slides = [folder / "wide.tif", folder / "small.tif"]
    rows = ["slide,mask"]
    for slide, size in zip(slides, ((600, 2300), (300, 400))):
        pixels = write_slide(slide, *size, seed=7)
        Image.fromarray((pixels[..., 1] < 200).astype(np.uint8) * 255).save(slide.with_suffix(".png"))
        rows.append(f"{slide.name},{slide.stem}.png")
    manifest = folder / "shared.csv"
    manifest.write_text("\n".join(rows) + "\n")
    check_shared(app, "masks", folder, checkpoint, slides, manifest, findings, "--format",
                 "png,tiff,geojson,probability,ome-zarr,preview", "--set", "threads=1", "--set",
                 "data.cache=none")
    check_masks(app, folder, manifest, findings)
    check_bad_files(app, folder, checkpoint, manifest, findings)


def check_masks(app, folder, manifest, findings):
    """Masks of one rank's export, compared by several."""
    command = ("evaluate", "--masks", folder / "masks_export", "--manifest", manifest)
    app.succeed(*command, "--out", folder / "compared")
    expected = exported(folder / "compared")
    for launch in launches():
        out = folder / f"compared_{launch}"
        code, stderr = run_over(app, launch, *command, "--out", out)
        findings.expect(code == 0 and len(expected) > 1 and exported(out) == expected,
                        f"compared masks, {launch}: exit {code} {stderr[-500:]}")
    for output in (folder / "masks_export").glob("small.tif*"):
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink()
    code, stderr = run_over(app, "threads:3", *command)
    findings.expect(code == 4 and stderr.count("error: ") == 1 and "no mask of small.tif" in stderr,
                    f"a mask that is missing: exit {code} {stderr[-500:]}")


def check_bad_files(app, folder, checkpoint, manifest, findings):
    """What one rank cannot read fails its slide, and the next one is done."""
    bad = folder / "bad_wide.tif"
    write_slide(bad, 600, 2300)
    spoil_tile(bad, 8)  # At the right, of nine in a row.
    out = folder / "bad_files"
    code, stderr = run_over(app, "threads:3", "export", "--checkpoint", checkpoint, bad,
                            folder / "small.tif", "--out", out)
    findings.expect(code == 4 and stderr.count("error: ") == 1 and "bad_wide.tif" in stderr,
                    f"a bad tile: exit {code} {stderr[-500:]}")
    findings.expect(list(outputs_of(out)) == ["small.tif.mask.png"], f"left: {list(outputs_of(out))}")
    with open(manifest, "a", encoding="utf-8") as file:
        file.write("bad_wide.tif,wide.png\n")
    code, stderr = run_over(app, "threads:3", "evaluate", "--checkpoint", checkpoint, "--manifest",
                            manifest)
    findings.expect(code == 4 and stderr.count("error: ") == 1 and "bad_wide.tif" in stderr,
                    f"evaluate with a bad tile: exit {code} {stderr[-500:]}")


def check_refusals(app, yaml, folder, findings):
    launched = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}
    result = subprocess.run(app.command("plan", yaml), capture_output=True, text=True, check=False,
                            env={**os.environ, **launched}, timeout=LIMIT_S)
    findings.expect(result.returncode == 2 and "2 ranks" in result.stderr,
                    f"plan under mpirun: {result.returncode} {result.stderr}")
    result = app.run("train", yaml, "--out", folder / "no", "--ranks", "many")
    findings.expect(result.returncode == 2 and "--ranks many" in result.stderr, result.stderr)
    result = app.run("train", yaml, "--out", folder / "no", "--ranks", "threads:3",
                     "--set", "ranks.layout=2x2")
    findings.expect(result.returncode == 2 and "for 4 ranks" in result.stderr, result.stderr)


def check_verify(app, findings):
    for ranks in (2, 5):
        found = app.json("verify", "--size", "301x217", "--tile", "48", "--ranks", f"threads:{ranks}")
        findings.expect(found["passed"] and found["ranks"] == ranks, f"verify: {found}")
    flags = ("verify", "--size", "301x217", "--tile", "32", "--json", "--set", "model.kind=resnet",
             "--set", "model.depth=10", "--set", "model.width=4", "--set", "data.labels=[a, b]",
             "--set", "train.loss=cross_entropy")
    cases = [(launch, "rows") for launch in launches()]
    cases += [("threads:5", "columns"), ("threads:6", "3x2")]
    if shutil.which("mpirun") is not None:
        cases.append(("4", "2x2"))
    for launch, layout in cases:
        code, stdout, stderr = output_over(app, launch, *flags, "--set", f"ranks.layout={layout}")
        found = json.loads(stdout) if code == 0 else {}
        findings.expect(found.get("passed") and found["ranks"] == int(launch[-1]),
                        f"verify of a classifier, {launch} {layout}: exit {code} {found} {stderr[-500:]}")


def settings_of(path, slides, steps, **sections):
    return write_settings(path, slides, streaming={"tile": 64}, threads=1,
                          train={"steps": steps, "validate_every": 2 if steps == STEPS else 6,
                                 "checkpoint_every": 2}, **sections)


def check(app, folder, findings):
    slides = [folder / "a.tif", folder / "b.tif"]
    write_slide(slides[0], 700, 600)
    write_slide(slides[1], 431, 533, seed=1)
    yaml = settings_of(folder / "train.yaml", slides, STEPS)
    app.succeed("train", yaml, "--out", folder / "alone")
    expected = results_of(folder / "alone")
    check_bytes(app, yaml, folder, expected, findings)
    check_teams(app, yaml, folder, findings)
    check_files(app, folder, folder / "alone" / "checkpoints" / "best.safetensors", findings)
    check_verify(app, findings)
    check_classifier(app, folder, findings)
    check_refusals(app, yaml, folder, findings)
    if shutil.which("mpirun") is None:
        print("mpirun is not installed: ranks were threads only")
        return
    check_start(app, yaml, folder, expected, findings)
    check_resume(app, yaml, folder, expected, findings)
    check_bad_tile(app, folder, findings)
    long = settings_of(folder / "long.yaml", slides, 60)
    app.succeed("train", long, "--out", folder / "whole")
    whole = results_of(folder / "whole")
    # Open MPI 5 drops what ranks say after a SIGTERM of its own.
    check_signal(app, long, folder, mpirun, signal.SIGTERM, (), whole, findings)
    if not is_mpich():  # Its launcher knows no SIGUSR2, and passes SIGTERM on.
        check_signal(app, long, folder, mpirun, signal.SIGUSR2, (143,), whole, findings)
    for number in (signal.SIGTERM, signal.SIGINT):
        check_signal(app, long, folder, program, number, (128 + number,), whole, findings)
    check_lost_program(app, long, folder, findings)
    check_kill(app, long, folder, whole, findings)


main(check)
