"""bench: reading speeds by backend, machines compared with their prices, tiled I/O, and a quick run."""

import json
import math
import shutil

from untiled_app import ROOT, App, Image, is_png, main

PUBLISHED = ROOT / "configs" / "published" / "m1_ultra.json"
PUBLISHED_TILES = ROOT / "configs" / "published" / "cucim_gds_whole_slide.json"
TILE_JOBS = ["read_raw", "read_jpeg", *(f"write_u8_{n}" for n in (256, 512, 1024, 2048)), "write_u8_shard", "write_u8_zstd",
             "write_u8_zstd_shard", *(f"write_f32_{n}" for n in (256, 512, 1024, 2048)), "convert_raw", "convert_jpeg",
             "trip_sobel_tiled", "trip_sobel_global", "pyramid"]


def measured(name, seconds, **more):
    """What bench run writes, as far as compare reads it."""
    steps = [{"name": "default", "rows": 1000, "columns": 1000, "median_seconds": 9.0},
             {"name": "default", "rows": 8000, "columns": 8000, "cache": "ram",
              "median_seconds": seconds, "peak_rss_bytes": 2**30, "times_plain": 60.4},
             {"name": "avx2", "rows": 9000, "columns": 9000, "median_seconds": 0.1}]
    return {"kind": "measured", "name": name, "steps": steps, **more}


def check_read(app, folder, findings):
    slide = folder / "slide.tif"
    app.succeed("synth", "--size", "1500x1500", "--out", slide)
    used = {}
    for backend in ("auto", "tiff", "openslide"):
        report = app.json("bench", "read", slide, "--region", 256, "--threads", 2,
                          "--backend", backend)
        used[backend] = report["backend"]
        speed = report["pixels"] / 1e6 / sorted(report["seconds"])[1]
        findings.expect(report["pixels"] == 1500 * 1500 and len(report["seconds"]) == 3,
                        f"bench read: {report}")
        findings.expect(abs(report["megapixels_per_second"] / speed - 1) < 1e-9,
                        "the median pass gives the speed")
    findings.expect(used == {"auto": "tiff", "tiff": "tiff", "openslide": "openslide"},
                    f"backends {used}")
    for words, code in ((("--backend", "cucim"), 2), (("--region", 0), 2)):
        found = app.run("bench", "read", slide, *words).returncode
        findings.expect(found == code, f"bench read {words}: exit {found}")
    found = app.run("bench", "read", folder / "none.svs")
    findings.expect(found.returncode == 3 and "none.svs" in found.stderr, "a slide that is not there")


def rows_of(markdown):
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def check_compare(app, folder, findings):
    (folder / "a.json").write_text(json.dumps(measured("NVIDIA A100-SXM4", 0.64)))
    (folder / "b.json").write_text(json.dumps(measured("Xeon <i>", 6.4)))
    out = folder / "compared"
    printed = app.succeed("bench", "compare", folder / "a.json", folder / "b.json", PUBLISHED,
                          "--out", out)
    text = (out / "comparison.md").read_text(encoding="utf-8")
    rows = rows_of(text)
    findings.expect(printed in text, "what is printed stands in comparison.md")
    findings.expect([row[0].split(",")[0] for row in rows] ==
                    ["NVIDIA A100-SXM4", "NVIDIA A100-SXM4", "Xeon &lt;i>", "Mac Studio"],
                    f"rows {[row[0] for row in rows]}")
    findings.expect(rows[0][1] == "measured" and rows[-1][1] == "published", "published is marked")
    findings.expect(float(rows[0][4]) == 10 and float(rows[2][4]) == 100, "seconds a gigapixel")
    findings.expect(float(rows[-1][4]) == 79.10, f"published: {rows[-1][4]} s a gigapixel")
    rented = next(row for row in rows if "rented" in row[8])
    findings.expect(abs(float(rented[9]) - 1.8 * 10 * 1000 / 3600) < 0.01, f"price {rented}")
    findings.expect(is_png((out / "comparison.png").read_bytes()), "comparison.png")
    with Image.open(out / "comparison.png") as picture:
        findings.expect(picture.width == 900, f"comparison.png {picture.size}")
    prices = (out / "prices.yaml").read_text()
    (out / "prices.yaml").write_text(prices.replace("1.8", "3.6"))
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    findings.expect(columns == {11}, f"every row has all columns: {columns}")
    twice = folder / "twice"
    (folder / "later.json").write_text(json.dumps(measured("Xeon <i>", 3.2)))
    printed = app.succeed("bench", "compare", folder / "b.json", folder / "later.json", "--out", twice)
    findings.expect([row[0] for row in rows_of(printed)] == ["Xeon &lt;i> (b)", "Xeon &lt;i> (later)"],
                    "machines of one name are told apart by their files")
    again = app.succeed("bench", "compare", folder / "a.json", "--out", out)
    rented = next(row for row in rows_of(again) if "rented" in row[8])
    findings.expect(abs(float(rented[9]) - 10) < 0.01, f"an edited price: {rented}")


def check_bad_files(app, folder, findings):
    (folder / "broken.json").write_text("{")
    (folder / "jobless.json").write_text(json.dumps({"kind": "measured", "name": "x", "tiles": []}))
    (folder / "other.json").write_text(json.dumps({"kind": "measured", "name": "x"}))
    (folder / "empty.json").write_text(json.dumps({"kind": "measured", "name": "x", "steps": []}))
    (folder / "prices.yaml").write_text("hours: -1\nmachines: []\n")
    for words, code in (([folder / "broken.json"], 3), ([folder / "empty.json"], 3),
                        ([folder / "jobless.json"], 3), ([folder / "other.json"], 3),
                        ([folder / "none.json"], 3),
                        ([PUBLISHED, "--prices", folder / "prices.yaml"], 2)):
        found = app.run("bench", "compare", *words, "--out", folder / "bad")
        findings.expect(found.returncode == code and words[-1].name in found.stderr,
                        f"compare {words[-1].name}: exit {found.returncode} {found.stderr}")
    findings.expect(not (folder / "bad" / "comparison.md").exists(), "no comparison of bad files")


def chunk_bytes(rows, cols, chunk, pixel):
    return math.ceil(rows / chunk) * math.ceil(cols / chunk) * chunk * chunk * pixel


def check_tile_row(row, report, findings):
    """Medians are those of the runs, and what was written has the size of its chunks."""
    middle = [sum(row[key]) / 2 for key in ("seconds", "cpu_seconds")]
    findings.expect(len(row["seconds"]) == len(row["cpu_seconds"]) == 2 and min(row["seconds"]) > 0, f"runs: {row}")
    findings.expect(math.isclose(row["median_seconds"], middle[0]) and math.isclose(row["median_cpu_seconds"], middle[1]),
                    f"medians: {row}")
    findings.expect(math.isclose(row["megapixels_per_second"], row["pixels"] / 1e6 / middle[0]), f"speed: {row}")
    size = (report["rows"], report["columns"])
    findings.expect(row["pixels"] == size[0] * size[1] and row["peak_rss_bytes"] > 0, f"memory: {row}")
    name = row["job"]
    written = {"convert_raw": (512, 3), "convert_jpeg": (512, 3), "trip_sobel_tiled": (1024, 12), "trip_sobel_global": (1024, 12)}
    if name.startswith(("write_u8_", "write_f32_")) and name[-1].isdigit():
        written[name] = (int(name.split("_")[2]), 3 if "u8" in name else 12)
    if name in written:
        extra = row["bytes_out"] - chunk_bytes(*size, *written[name])
        findings.expect(0 < extra < 2000, f"{name} wrote {row['bytes_out']} bytes, {extra} more than its chunks")
    findings.expect((row["bytes_out"] == 0) == name.startswith("read_"), f"{name} wrote {row['bytes_out']}")


def check_tiles(app, folder, findings):
    scratch, alone, out = folder / "tiles-scratch", folder / "alone", folder / "tiles.json"
    alone.mkdir()
    shutil.copy(app.program, alone / "untiled")
    without = App(alone / "untiled")
    flags = ("bench", "tiles", "--size", "600x700", "--repeats", 2, "--workers", 1, "--name", "here", "--scratch", scratch)
    without.succeed(*flags, "--out", out)
    report = json.loads(out.read_text())
    findings.expect(without.run("bench", "read", folder / "slide.tif").returncode == 1, "bench tiles ran beside LibTorch")
    findings.expect("failed" not in report and report["machine"]["processor"] and report["versions"]["git"], f"{report.keys()}")
    rows = report["tiles"]
    for cache in ("warm", "cold"):
        jobs = [row["job"] for row in rows if row["cache"] in (cache, "memory")]
        findings.expect(jobs == TILE_JOBS or (cache == "cold" and not report["cold_runs"]), f"{cache}: {jobs}")
    for row in rows:
        check_tile_row(row, report, findings)
    findings.expect(not list(scratch.iterdir()), "bench tiles leaves nothing in its scratch folder")
    for words, code in ((("--size", "10x10"), 2), (("--repeats", 0), 2)):
        found = app.run(*flags, *words, "--out", folder / "none.json")
        findings.expect(found.returncode == code and not (folder / "none.json").exists(), f"bench tiles {words}: {found.stderr}")
    check_tiles_compared(app, folder, out, rows, findings)


def check_tiles_compared(app, folder, out, rows, findings):
    printed = app.succeed("bench", "compare", out, PUBLISHED_TILES, "--out", folder / "tiles")
    table = [row for row in rows_of(printed) if len(row) == 10]
    findings.expect(len(table) == len(rows) + 7, f"{len(table)} rows of tiled I/O")
    published = [row for row in table if row[4] == "published"]
    findings.expect([(row[0], float(row[6])) for row in published] ==
                    [("read_raw", 3.82), ("read_raw", 0.85), ("read_raw", 0.6), ("trip_sobel_tiled", 3.9),
                     ("trip_sobel_tiled", 2.9), ("trip_sobel_global", 3.1), ("trip_sobel_global", 2.0)], f"published: {published}")
    findings.expect(all(row[7] == "unknown" for row in published) and "not measured by this program" in printed, "published")
    jobs = [row[0] for row in table]
    findings.expect(jobs == sorted(jobs, key=jobs.index), "rows of one job stand together")
    findings.expect(not (folder / "tiles" / "comparison.png").exists(), "a chart of steps without steps")
    findings.expect(not (folder / "tiles" / "prices.yaml").exists(), "prices where there is nothing to price")
    both = app.succeed("bench", "compare", folder / "a.json", out, "--out", folder / "both")
    findings.expect("| read_raw | warm | here | untiled | measured |" in both and "| NVIDIA A100-SXM4 | measured |" in both,
                    "both kinds of figures together")


def check_run(app, folder, findings):
    scratch = folder / "scratch"
    scratch.mkdir()
    out = folder / "mine.json"
    app.succeed("bench", "run", "--quick", "--out", out, "--name", "here", "--scratch", scratch)
    report = json.loads(out.read_text())
    findings.expect(report["name"] == "here" and report["kind"] == "measured", "name and kind")
    for part in ("machine", "versions", "new_memory_seconds_per_gib", "plain", "reading", "steps"):
        findings.expect(report.get(part), f"bench run: no {part}")
    for step in report["steps"]:
        repeats = 99 if step["rows"] == 2000 else 3
        findings.expect(step["median_seconds"] > 0 and len(step["seconds"]) == repeats
                        and step["parts"]
                        and step["peak_rss_bytes"] > step["memory_used_bytes"] > 0, f"{step}")
        plain = report["plain"]["seconds_per_gigapixel"] / step["seconds_per_gigapixel"]
        findings.expect(abs(step["times_plain"] / plain - 1) < 1e-9, "times_plain")
    findings.expect(any("export" in step for step in report["steps"]), "no export was measured")
    findings.expect(any(step.get("inference", {}).get("median_seconds", 0) > 0
                        for step in report["steps"]), "no inference was measured")
    findings.expect(not list(scratch.iterdir()), "bench run leaves nothing in its scratch folder")
    table = app.succeed("bench", "compare", out, "--out", folder / "own")
    findings.expect("| here | measured |" in table, f"compare of bench run: {table}")


def check(app, folder, findings):
    check_read(app, folder, findings)
    check_compare(app, folder, findings)
    check_bad_files(app, folder, findings)
    check_tiles(app, folder, findings)
    check_run(app, folder, findings)


main(check)
