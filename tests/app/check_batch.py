"""A batch of slides: bad ones are rows, nothing is done twice, and kills leave no trace."""

import csv
import json
import os
import random
import signal
import struct
import subprocess
import time
import zlib

from untiled_app import Image, files_of, main, np, write_slide

GOOD = 190
BAD = {"cut.png": "unreadable", "cut.tif": "unreadable", "empty.svs": "empty_file",
       "folder.svs": "folder", "loop.svs": "missing", "missing.svs": "missing",
       "noise.tif": "not_a_slide", "pipe.svs": "not_a_slide", "text.svs": "not_a_slide",
       "zero.png": "unreadable"}


def draw(path, seed):
    """Glass with a piece of tissue; every eighth slide is blank."""
    noise = np.random.default_rng(seed)
    image = noise.integers(236, 246, (300, 400, 3)).astype(np.uint8)
    if seed % 8:
        width = 200 + seed % 100
        image[80:200, 60:60 + width] = noise.integers(110, 150, (120, width, 3))
    Image.fromarray(image).save(path)


def make_slides(folder):
    folder.mkdir()
    for i in range(GOOD):
        draw(folder / f"slide{i:03}.png", i)
    whole = (folder / "slide001.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:2000])
    write_slide(folder / "cut.tif", 600, 600)
    os.truncate(folder / "cut.tif", (folder / "cut.tif").stat().st_size // 2)
    header = struct.pack(">4sIIBBBBB", b"IHDR", 0, 0, 8, 2, 0, 0, 0)
    (folder / "zero.png").write_bytes(whole[:12] + header + struct.pack(">I", zlib.crc32(header)) +
                                      whole[33:])
    (folder / "loop.svs").symlink_to("loop.svs")
    os.mkfifo(folder / "pipe.svs")
    (folder / "empty.svs").write_bytes(b"")
    (folder / "folder.svs").mkdir()
    (folder / "text.svs").write_text("no slide\n" * 50)
    (folder / "noise.tif").write_bytes(np.random.default_rng(0).bytes(5000))
    names = sorted({p.name for p in folder.iterdir()} | set(BAD))
    (folder / "list.csv").write_text("\n".join(["slide", *names]) + "\n")


def command(app, folder, out, *flags):
    return [str(app.program), "label", str(folder / "slides" / "list.csv"), "--method", "otsu",
            "--set", "labels.min_object_um2=0", "--format", "png,tiff,geojson,preview", "--out", str(out), *flags]


def lasting(out):
    """Everything that must repeat: all but seconds, and the claim on outputs of a slide in work that a
    process leaves which is killed just after its record (the next work on that slide takes it)."""
    files = files_of(out)

    def is_done(name):
        return name.endswith(".begun.json") and name.replace(".begun.json", ".json") in files

    return {name: data for name, data in files.items()
            if name != "timings.csv" and not name.endswith(".seconds.json") and not is_done(name)}


def rows_of(out, name="report.csv"):
    with open(out / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check_report(app, folder, findings):
    out = folder / "whole"
    result = subprocess.run(command(app, folder, out), capture_output=True, text=True)
    findings.expect(result.returncode == 4, f"exit {result.returncode}: {result.stderr[-500:]}")
    rows = rows_of(out)
    status = [row["status"] for row in rows]
    findings.expect(len(rows) == GOOD + len(BAD), f"{len(rows)} rows")
    findings.expect(status.count("failed") == len(BAD), f"{status.count('failed')} failed")
    findings.expect(status.count("empty") == -(-GOOD // 8), f"{status.count('empty')} are empty")
    failed = {row["slide_id"]: row for row in rows if row["status"] == "failed"}
    findings.expect(set(failed) == set(BAD), f"failed: {sorted(failed)}")
    findings.expect(all(row["reason"] and row["reason_code"] for row in failed.values()),
                    "a failed row without a reason")
    codes = {name: row["reason_code"] for name, row in failed.items()}
    findings.expect(codes == BAD, f"reason codes {codes}")
    for row in rows:
        made = [out / name for name in row["outputs"].split("; ") if name]
        findings.expect(len(made) == (0 if row["status"] == "failed" else 4) and
                        all(path.is_file() for path in made), f"outputs of {row['slide_id']}")
    entries = json.loads((out / "report.json").read_text(encoding="utf-8"))["slides"]
    findings.expect([e["slide_id"] for e in entries] == [r["slide_id"] for r in rows],
                    "report.json has other rows")
    return out


def check_reuse(app, folder, whole, findings):
    before = lasting(whole)
    stamps = {path: path.stat().st_mtime_ns for path in whole.glob("*.mask.png")}
    result = subprocess.run(command(app, folder, whole), capture_output=True, text=True)
    findings.expect(result.returncode == 4 and lasting(whole) == before, "a second run changes files")
    findings.expect(stamps == {path: path.stat().st_mtime_ns for path in stamps},
                    "a second run writes masks again")
    slide = folder / "slides" / "slide005.png"
    draw(slide, 5)
    os.utime(slide, ns=(1, 1))
    (whole / "slide006.png.tif").unlink()
    subprocess.run(command(app, folder, whole), capture_output=True)
    done = {row["slide_id"] for row in rows_of(whole, "timings.csv")
            if row["action"] == "computed" and row["part"] == "write"}
    findings.expect(done == {"slide005.png", "slide006.png"}, f"done again: {sorted(done)}")
    subprocess.run(command(app, folder, whole, "--tolerance", "0"), capture_output=True)
    done = {row["slide_id"] for row in rows_of(whole, "timings.csv")
            if row["action"] == "computed" and row["part"] == "write"}
    findings.expect(len(done) == GOOD, f"another tolerance: {len(done)} done again")
    subprocess.run(command(app, folder, whole), capture_output=True)


def check_kills(app, folder, whole, findings):
    """Two processes side by side, killed at random, then run to the end."""
    expected = lasting(whole)
    out = folder / "killed"
    moment = random.Random(1)
    for _ in range(5):
        pair = [subprocess.Popen(command(app, folder, out), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for _ in range(2)]
        time.sleep(moment.uniform(0.05, 3))
        for process in pair:
            process.send_signal(signal.SIGKILL)
            process.wait()
    pair = [subprocess.Popen(command(app, folder, out), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL) for _ in range(2)]
    codes = [process.wait() for process in pair]
    findings.expect(codes == [4, 4], f"exit {codes}")
    found = lasting(out)
    changed = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
    findings.expect(not changed, f"after kills these differ: {sorted(changed)[:10]}")


def check_shards(app, folder, whole, findings):
    out = folder / "shards"
    for i in (1, 2, 3):
        subprocess.run(command(app, folder, out, "--shard", f"{i}/3"), capture_output=True)
    findings.expect(lasting(out) == lasting(whole), "three shards differ from one run")
    code = subprocess.run(command(app, folder, out, "--shard", "4/3"), capture_output=True).returncode
    findings.expect(code == 2, f"--shard 4/3: exit {code}")


def check_names(app, folder, findings):
    """Slides of one name are apart; a slide is never replaced."""
    for part in ("a", "b"):
        (folder / part).mkdir()
        draw(folder / part / "same.png", 1)
    out = folder / "names"
    report = app.json("label", "--out", out, folder / "a", folder / "b")
    ids = [entry["slide_id"] for entry in report["slides"]]
    findings.expect(len(set(ids)) == 2 and all(i.startswith("same.png-") for i in ids), f"ids {ids}")
    draw(folder / "a" / "same.png.mask.png", 2)
    both = app.run("label", "--method", "otsu", "--format", "png", "--out", folder / "a",
                   folder / "a" / "same.png", folder / "a" / "same.png.mask.png")
    findings.expect(both.returncode == 4 and "replace" in both.stderr, f"replaced: {both.stderr}")
    drawn = folder / "names" / "drawn.png.geojson"
    draw(folder / "drawn.png", 1)
    drawn.write_text("drawn by hand")
    for _ in range(2):  # The first failure's record makes the file none of ours.
        one = app.run("label", "--format", "geojson", "--out", out, folder / "drawn.png")
        findings.expect(one.returncode == 3 and "is there" in one.stderr, f"foreign: {one.stderr}")
        findings.expect(drawn.read_text() == "drawn by hand", "a file of somebody else's is gone")


def check(app, folder, findings):
    make_slides(folder / "slides")
    whole = check_report(app, folder, findings)
    check_reuse(app, folder, whole, findings)
    check_kills(app, folder, whole, findings)
    check_shards(app, folder, whole, findings)
    check_names(app, folder, findings)


main(check)
