"""What goes wrong around a run: slides that change, closed terminals, pipes, and odd names."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import time

from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from untiled_app import Image, files_of, main, metric_rows, np, write_settings, write_slide
import network

DATA, USAGE, SOME = 3, 2, 4
DEADLINE = 120


def wait_for_rows(process, run, rows):
    limit = time.monotonic() + DEADLINE
    while process.poll() is None and metric_rows(run) < rows:
        assert time.monotonic() < limit, "the run hangs"
        time.sleep(0.005)


def saved_step(run):
    return network.load(run / "checkpoints" / "last.safetensors")[1]["step"]


def end(process):
    _, stderr = process.communicate(timeout=DEADLINE)
    return process.returncode, stderr


def check_changed(app, folder, findings, what, replace, yaml):
    """`replace` puts another file in place of one that the run reads."""
    run = folder / f"run-{what}"
    process = app.start("train", yaml, "--out", run)
    wait_for_rows(process, run, 3)
    name = replace()
    code, stderr = end(process)
    findings.expect(code == DATA, f"{what}: exit {code}: {stderr[-300:]}")
    findings.expect(f"{name} was changed" in stderr or f"{name} cannot be examined" in stderr,
                    f"{what}: {stderr[-300:]}")
    findings.expect(saved_step(run) == metric_rows(run) >= 3,
                    f"{what}: {saved_step(run)} saved, {metric_rows(run)} logged")


def check_changes(app, folder, findings):
    slide, other = folder / "a.tif", folder / "b.tif"
    pixels = write_slide(slide, 700, 600, seed=1)
    write_slide(other, 700, 600, seed=2)
    many = {"steps": 100_000, "checkpoint_every": 1000, "validate_every": 1000}
    yaml = write_settings(folder / "one.yaml", [slide], train=many)

    def swap():
        shutil.copyfile(other, folder / "new.tif")
        os.utime(folder / "new.tif", ns=(0, slide.stat().st_mtime_ns))
        os.replace(folder / "new.tif", slide)
        return slide

    check_changed(app, folder, findings, "slide", swap, yaml)
    write_slide(slide, 700, 600, seed=1)
    mask = folder / "m.png"
    Image.fromarray((pixels[..., 1] < 200).astype(np.uint8)).save(mask)
    (folder / "m.csv").write_text("slide,mask\na.tif,m.png\n")
    yaml = write_settings(folder / "mask.yaml", [], train=many,
                          data={"manifest": str(folder / "m.csv"), "slides": []})

    def redraw():
        Image.fromarray((pixels[..., 1] > 200).astype(np.uint8)).save(mask)
        return mask

    check_changed(app, folder, findings, "mask", redraw, yaml)


def check_hang_up(app, folder, findings):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The check itself may run under nohup.
    slide = folder / "a.tif"
    yaml = write_settings(folder / "hup.yaml", [slide], train={"steps": 100_000})
    run = folder / "hup"
    process = app.start("train", yaml, "--out", run)
    wait_for_rows(process, run, 3)
    process.send_signal(signal.SIGHUP)
    code, stderr = end(process)
    findings.expect(code == 128 + signal.SIGHUP, f"SIGHUP: exit {code}: {stderr[-300:]}")
    findings.expect(saved_step(run) == metric_rows(run) > 0, "SIGHUP saved the last step")


def check_not_files(app, folder, findings):
    """Pipes, folders and devices are refused at once wherever a file is opened."""
    slide = folder / "a.tif"
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    for other, word in ((pipe, "pipe"), (folder, "folder"), ("/dev/zero", "device")):
        for arguments in (["train", other, "--out", folder / "x"],
                          ["export", "--checkpoint", other, "--out", folder / "x", slide]):
            result = app.run(*arguments)
            findings.expect(result.returncode in (USAGE, DATA) and word in result.stderr,
                            f"{arguments}: exit {result.returncode}: {result.stderr[-200:]}")
    (folder / "p.csv").write_text("slide,mask\na.tif,pipe\n")
    yaml = write_settings(folder / "p.yaml", [], data={"manifest": str(folder / "p.csv"), "slides": []})
    for verb in (["train", yaml, "--out", folder / "y"], ["plan", yaml]):
        result = app.run(*verb)
        findings.expect(result.returncode == DATA and "pipe" in result.stderr,
                        f"{verb[0]} with a pipe as mask: {result.returncode} {result.stderr[-200:]}")


def check_claims(app, folder, findings):
    """Checkpoints that claim what they do not hold end with one sentence, not LibTorch's stack."""
    run = folder / "small"
    app.succeed("train", write_settings(folder / "s.yaml", [folder / "a.tif"], train={"steps": 1}),
                "--out", run)
    good = run / "checkpoints" / "last.safetensors"
    weights = load_file(good)
    with safe_open(good, "np") as file:
        metadata = file.metadata()
    findings.expect(len(json.loads(metadata.pop("check_sum"))) == 32, "the checkpoint has no check sum")
    name = next(n for n in weights if n.endswith("weight"))
    changes = [({"widths": "[1024,1024,1024,1024]", "strides": "[4,4,4,4]"}, weights),
               ({"architecture": '"resnet999"'}, weights), ({"threshold": "7"}, weights),
               ({}, {**weights, name: weights[name].reshape(-1)}),
               ({}, {**weights, name: weights[name].astype(np.float64)}),
               ({}, {**weights, name: np.full_like(weights[name], np.nan)}),
               ({}, {n: w for n, w in weights.items() if n != name})]
    for i, (claims, tensors) in enumerate(changes):
        bad = folder / f"claims{i}.safetensors"
        save_file(tensors, bad, {**metadata, **claims})
        result = app.run("export", "--checkpoint", bad, "--out", folder / "z", folder / "a.tif")
        findings.expect(result.returncode == DATA and bad.name in result.stderr
                        and "c10" not in result.stderr and len(result.stderr) < 1000,
                        f"claim {i}: exit {result.returncode}: {result.stderr[:300]}")
    unsummed = folder / "unsummed.safetensors"
    save_file(weights, unsummed, metadata)
    app.succeed("export", "--checkpoint", unsummed, "--out", folder / "unsummed", folder / "a.tif")
    flipped = bytearray(good.read_bytes())
    flipped[-2] ^= 64
    damaged = folder / "flipped.safetensors"
    damaged.write_bytes(flipped)
    result = app.run("export", "--checkpoint", damaged, "--out", folder / "z", folder / "a.tif")
    findings.expect(result.returncode == DATA and "check sum" in result.stderr
                    and damaged.name in result.stderr,
                    f"a flipped bit: exit {result.returncode}: {result.stderr[:300]}")


def check_names(app, folder, findings):
    """A name that is a formula, holds control characters or is no UTF-8."""
    names = [b"=cmd|x.tif", b"@a.tif", b"-1+2.tif", b"e\x1b[31mred\x9b.tif", b"sl\xe9.tif"]
    odd = folder / "odd"
    odd.mkdir()
    for name in names:
        shutil.copyfile(folder / "b.tif", os.path.join(os.fsencode(odd), name))
    out = folder / "labels"
    result = app.run("label", "--out", out, odd)
    findings.expect(result.returncode == 0, f"label: exit {result.returncode}: {result.stderr[-300:]}")
    report = (out / "report.csv").read_bytes()
    for row in csv.reader(io.StringIO(report.decode())):
        for cell in row:
            computes = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number(cell)
            findings.expect(not computes, f"report.csv has the cell {cell!r}")
    for name in ("report.csv", "report.html", "timings.csv", "report.json"):
        text = (out / name).read_bytes().decode()
        raw = [c for c in text if (ord(c) < 32 and c not in "\r\n\t") or 127 <= ord(c) < 160]
        findings.expect(not raw, f"{name} holds {raw[:3]!r}")
    shown = (result.stdout + result.stderr).replace("\n", "")
    findings.expect("\x1b" not in shown and "\x9b" not in shown, "the terminal gets an escape")
    again = app.run("label", "--out", out, odd)
    computed = (out / "timings.csv").read_bytes().count(b"computed")
    findings.expect(again.returncode == 0 and computed == 0, f"{computed} rows were computed again")
    run = folder / "odd-run"
    glob = os.fsencode(odd) + b"/sl*"
    arguments = ["train", write_settings(folder / "odd.yaml", [], train={"steps": 2}), "--out", run,
                 "--set", b"data.slides=" + glob]
    app_arguments = [os.fsencode(str(a)) if not isinstance(a, bytes) else a for a in arguments]
    first = run_bytes(app, app_arguments)
    findings.expect(first.returncode == 0, f"train: {first.stderr[-300:]}")
    more = run_bytes(app, app_arguments + [b"--resume", b"--set", b"train.steps=3"])
    findings.expect(more.returncode == 0, f"--resume of a name that is no UTF-8: {more.stderr[-300:]}")
    findings.expect(saved_step(run) == 3, "the resumed run went on")


def run_bytes(app, arguments):
    return subprocess.run([os.fsencode(app.program), *arguments], capture_output=True, check=False,
                          timeout=DEADLINE)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def check(app, folder, findings):
    check_changes(app, folder, findings)
    check_hang_up(app, folder, findings)
    check_not_files(app, folder, findings)
    check_claims(app, folder, findings)
    check_names(app, folder, findings)
    left = [name for name in files_of(folder) if name.endswith(".part")]
    findings.expect(not left, f"left are {left}")


main(check)
