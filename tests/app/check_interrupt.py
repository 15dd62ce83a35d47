"""Runs that are killed or stopped end, after --resume, in the bytes of one that was not."""

import json
import random
import signal
import subprocess
import time

from untiled_app import files_of, main, metric_rows, results_of, write_settings, write_slide
import network

STEPS = 400
VALIDATE_EVERY = 80
KILLS = 10
DEADLINE = 300


def wait_for(process, holds):
    """Waits until `holds()`; False when the process ended before."""
    limit = time.monotonic() + DEADLINE
    while process.poll() is None:
        if holds():
            return True
        if time.monotonic() > limit:
            process.kill()
            raise AssertionError("the run hangs")
        time.sleep(0.002)
    return False


def wait_for_rows(process, run, rows):
    return wait_for(process, lambda: metric_rows(run) >= rows)


def train(app, yaml, run, *flags):
    return app.start("train", yaml, "--out", run, *flags)


def finish(process):
    """Exit code and stderr."""
    try:
        _, stderr = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, stderr


def saved_step(run):
    """Updates in the last checkpoint; 0 where there is none."""
    path = run / "checkpoints" / "last.safetensors"
    return network.load(path)[1]["step"] if path.exists() else 0


def check_unfinished(run, findings, what):
    step, rows = saved_step(run), metric_rows(run)
    findings.expect(step < STEPS and rows < STEPS and not (run / "summary.json").exists(),
                    f"{what} hit a run that was already finished: {step} saved, {rows} logged")


def compare(run, expected, findings, what):
    found = results_of(run)
    changed = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
    findings.expect(not changed, f"{what}: {changed} differ from the uninterrupted run")
    left = [n for n in files_of(run) if n.endswith((".part", ".tmp"))]
    findings.expect(not left, f"{what} left {left}")


def kill_ten_times(app, yaml, run, expected, findings):
    draw = random.Random(5)
    for kill in range(KILLS):
        begin = saved_step(run)
        process = train(app, yaml, run, "--resume")
        if kill % 3 == 2:  # While it starts: at any moment, also before its first file.
            time.sleep(draw.uniform(0.0, 1.0))
        else:
            wait_for_rows(process, run, begin + draw.randint(1, 3))
            time.sleep(draw.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        code, stderr = finish(process)
        findings.expect(code == -signal.SIGKILL, f"kill {kill}: exit {code} {stderr}")
        check_unfinished(run, findings, f"kill {kill}")
    code, stderr = finish(train(app, yaml, run, "--resume"))
    findings.expect(code == 0, f"--resume after ten kills: exit {code} {stderr}")
    compare(run, expected, findings, "ten kills")


def stop_once(app, yaml, run, number, expected, findings):
    process = train(app, yaml, run)
    wait_for_rows(process, run, 5)
    begin = time.monotonic()
    process.send_signal(number)
    code, stderr = finish(process)
    took = time.monotonic() - begin
    name = signal.Signals(number).name
    findings.expect(code == 128 + number, f"{name}: exit {code} {stderr}")
    findings.expect(took < 5, f"{name}: the run took {took:.1f} s to stop")
    findings.expect(0 < saved_step(run) == metric_rows(run) < STEPS,
                    f"{name}: step {saved_step(run)} is saved, {metric_rows(run)} are logged")
    code, stderr = finish(train(app, yaml, run, "--resume"))
    findings.expect(code == 0, f"--resume after {name}: exit {code} {stderr}")
    compare(run, expected, findings, name)


def save_on_request(app, yaml, run, expected, findings):
    process = train(app, yaml, run, "--set", "train.checkpoint_every=1000")
    wait_for_rows(process, run, 3)
    findings.expect(saved_step(run) == 0, "a checkpoint was written before SIGUSR1")
    process.send_signal(signal.SIGUSR1)
    saved = wait_for(process, lambda: saved_step(run) > 0)
    findings.expect(saved and saved_step(run) < STEPS, "SIGUSR1 saved nothing during the run")
    code, stderr = finish(process)
    findings.expect(code == 0, f"after SIGUSR1: exit {code} {stderr}")
    compare(run, expected, findings, "SIGUSR1")


def check(app, folder, findings):
    slide = folder / "slide.tif"
    write_slide(slide, 700, 600)
    yaml = write_settings(folder / "train.yaml", [slide],
                          train={"steps": STEPS, "checkpoint_every": 10, "validate_every": VALIDATE_EVERY})
    begin = time.monotonic()
    code, stderr = finish(train(app, yaml, folder / "whole"))
    assert code == 0, stderr
    print(f"an uninterrupted run takes {time.monotonic() - begin:.1f} s")
    summary = json.loads((folder / "whole" / "summary.json").read_text())
    findings.expect(len(summary["losses"]) == STEPS, "steps of the uninterrupted run")
    expected = results_of(folder / "whole")
    findings.expect(len(expected) == 4 + STEPS // VALIDATE_EVERY, f"files compared: {list(expected)}")
    kill_ten_times(app, yaml, folder / "killed", expected, findings)
    stop_once(app, yaml, folder / "stopped", signal.SIGINT, expected, findings)
    stop_once(app, yaml, folder / "ended", signal.SIGTERM, expected, findings)
    save_on_request(app, yaml, folder / "asked", expected, findings)


main(check)
