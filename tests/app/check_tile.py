"""tile: outputs are the filtered slide for other readers, nothing is done twice, and faults leave no trace."""

import json
import math
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import tifffile

from untiled_app import draw_tissue, files_of, main, outputs_of, write_slide

try:
    import zarr
except ImportError:
    zarr = None

ROWS, COLS, TILE, MPP = 700, 900, 256, 0.5
F = np.float32


def write_raw_slide(path, pixels, **options):
    """Uncompressed tiles of 256."""
    tifffile.imwrite(path, pixels, tile=(TILE, TILE), photometric="rgb", resolution=(1e4 / MPP, 1e4 / MPP),
                     resolutionunit="CENTIMETER", metadata=None, **options)


def sobel(image):
    """Of values / 255, the border mirrored."""
    p = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="symmetric").astype(F)
    x = (p[:, :-2] + p[:, 2:]) + F(2) * p[:, 1:-1]
    y = (p[:-2] + p[2:]) + F(2) * p[1:-1]
    gy, gx = x[2:] - x[:-2], y[:, 2:] - y[:, :-2]
    return np.sqrt(gx * gx + gy * gy) * F(1 / (4 * 255 * math.sqrt(2)))


def halved(image):
    """The next level of a pyramid of bytes."""
    p = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge").astype(np.uint16)
    return ((p[::2, ::2] + p[::2, 1::2] + p[1::2, ::2] + p[1::2, 1::2] + 2) >> 2).astype(np.uint8)


def read_chunks(folder, shape, dtype, chunk):
    """A plain Zarr array (y, x, c) by its files alone: whole chunks, also at the edge."""
    meta = json.loads((folder / "zarr.json").read_text())
    assert meta["shape"] == list(shape) and meta["data_type"] == np.dtype(dtype).name, meta
    assert meta["chunk_grid"]["configuration"]["chunk_shape"] == [chunk, chunk, 3], meta
    out = np.zeros(shape, dtype)
    for y in range(0, shape[0], chunk):
        for x in range(0, shape[1], chunk):
            data = np.fromfile(folder / "c" / str(y // chunk) / str(x // chunk) / "0", dtype).reshape(chunk, chunk, 3)
            part = data[:shape[0] - y, :shape[1] - x]
            assert not data[part.shape[0]:].any() and not data[:, part.shape[1]:].any(), "the padding is not 0"
            out[y:y + chunk, x:x + chunk] = part
    return out


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_plain(app, folder, pixels, findings):
    slide = folder / "raw.tif"
    for filters, chunk, expected in (("none", 256, pixels), ("none", 100, pixels), ("sobel", 256, sobel(pixels)),
                                     ("sobel", 130, sobel(pixels))):
        for flags in ((), ("--global",), ("--workers", "1"), ("--direct-io",)):
            out = folder / "plain"
            said = app.json("tile", slide, "--filter", filters, "--format", "zarr", "--chunk", chunk, "--out", out, *flags)
            name = f"{filters}, chunks of {chunk}, {' '.join(flags)}"
            found = read_chunks(out / "raw.tif.zarr", pixels.shape, expected.dtype, chunk)
            findings.expect(same(found, expected), f"zarr: {name}: other pixels")
            findings.expect(said["slides"][0]["decoded_tiles"] == 12, f"{name}: decoded {said['slides'][0]['decoded_tiles']}")
            for key in ("decoded_tiles", "seconds", "cpu_seconds", "peak_rss_bytes"):
                findings.expect(said[key] > 0 and said[key] == said["slides"][0][key], f"{name}: {key}")
            subprocess.run(["rm", "-r", str(out)], check=True)


def check_tiff(app, folder, pixels, findings):
    levels = [pixels]
    while max(levels[-1].shape) > 256:
        levels.append(halved(levels[-1]))
    for form, name in (("ome-tiff", "raw.tif.ome.tif"), ("tiff", "raw.tif.tif")):
        for codec in ("none", "gzip"):
            out = folder / f"{form}-{codec}"
            app.succeed("tile", folder / "raw.tif", "--format", form, "--codec", codec, "--chunk", 256, "--out", out)
            with tifffile.TiffFile(out / name) as tif:
                series = tif.series[0]
                pages = [level.pages[0] for level in series.levels] if form == "ome-tiff" else tif.pages
                read = [page.asarray() for page in pages]
                findings.expect(len(read) == len(levels) and all(map(np.array_equal, read, levels)), f"{form} {codec}: levels")
                findings.expect(tif.is_ome == (form == "ome-tiff"), f"{form}: is OME {tif.is_ome}")
                findings.expect(abs(1e4 / float(pages[0].resolution[0]) - MPP) < 1e-6, f"{form}: scale")
    out = folder / "float-tiff"
    app.succeed("tile", folder / "raw.tif", "--filter", "sobel", "--format", "ome-tiff", "--out", out)
    findings.expect(same(tifffile.imread(out / "raw.tif.ome.tif"), sobel(pixels)), "ome-tiff of float32")
    app.succeed("tile", folder / "ome-tiff-gzip" / "raw.tif.ome.tif", "--format", "zarr", "--out", folder / "back")
    found = read_chunks(folder / "back" / "raw.tif.ome.tif.zarr", pixels.shape, np.uint8, 512)
    findings.expect(same(found, pixels), "an OME-TIFF is a slide again")


def check_zarr_reader(app, folder, pixels, findings):
    if zarr is None:
        print("not checked: zarr-python is missing")
        return
    out = folder / "zarr-python"
    app.succeed("tile", folder / "raw.tif", "--filter", "sobel", "--format", "zarr", "--codec", "zstd", "--chunk", 64,
                "--shard", 256, "--out", out)
    findings.expect(same(zarr.open(str(out / "raw.tif.zarr"), mode="r")[...], sobel(pixels)), "zarr-python: shards, zstd")
    for form, flags in (("ome-zarr", ()), ("ome-zarr", ("--planar",)), ("ome-zarr", ("--shard", "512")), ("ome-zarr-0.4", ())):
        out = folder / "ome"
        app.succeed("tile", folder / "raw.tif", "--format", form, "--chunk", 256, "--out", out, *flags)
        level = pixels
        group = zarr.open_group(str(out / "raw.tif.ome.zarr"), mode="r")
        for number in range(3):
            found = group[str(number)][...].transpose(1, 2, 0)
            findings.expect(np.array_equal(found, level), f"zarr-python: {form} {flags}, level {number}")
            level = halved(level)
        subprocess.run(["rm", "-r", str(out)], check=True)


def check_region_and_level(app, folder, pixels, findings):
    slide = folder / "pyramid.tif"
    half = pixels[::2, ::2]
    with tifffile.TiffWriter(slide) as writer:
        options = {"tile": (TILE, TILE), "photometric": "rgb", "metadata": None, "resolutionunit": "CENTIMETER"}
        writer.write(pixels, resolution=(2e4, 2e4), **options)
        writer.write(half, resolution=(1e4, 1e4), subfiletype=1, **options)
    cut = ("--filter", "sobel", "--format", "zarr", "--chunk", 128, "--region", "200,100,301,250")
    app.succeed("tile", slide, *cut, "--out", folder / "cut")
    found = read_chunks(folder / "cut" / "pyramid.tif.zarr", (250, 301, 3), F, 128)
    findings.expect(same(found, sobel(pixels)[100:350, 200:501]), "a region is cut out of the filtered slide")
    for choice in (("--level", 1), ("--mpp", 1.0)):
        app.succeed("tile", slide, *cut, *choice, "--out", folder / "coarse")
        found = read_chunks(folder / "coarse" / "pyramid.tif.zarr", (125, 151, 3), F, 128)
        findings.expect(same(found, sobel(half)[50:175, 100:251]), f"a region of {choice}")
    result = app.run("tile", slide, "--region", "800,0,200,10", "--out", folder / "outside")
    findings.expect(result.returncode == 3 and "at level 0" in result.stderr, f"region outside: {result.stderr}")


def check_stains(app, folder, findings):
    for name, seed in (("a", 1), ("b", 2)):
        write_slide(folder / f"{name}.tif", 500, 600, seed)
    darker = tifffile.imread(folder / "b.tif").astype(float) / 255
    pixels = np.round(255 * darker ** [1.3, 1.1, 1.5]).astype(np.uint8)
    write_raw_slide(folder / "c.tif", pixels)
    stain = folder / "a.json"
    common = ("--filter", "macenko", "--format", "zarr")
    said = app.json("tile", folder / "a.tif", *common, "--save-stain", stain, "--out", folder / "saved")
    findings.expect(said["decoded_tiles"] == 2 * 6, f"macenko decodes each tile twice: {said['decoded_tiles']}")
    for target, out in ((stain, "by-file"), (folder / "a.tif", "by-slide")):
        app.succeed("tile", folder / "b.tif", folder / "c.tif", *common, "--stain", target, "--out", folder / out)
    findings.expect(outputs_of(folder / "by-file") == outputs_of(folder / "by-slide"), "saved stains are the slide's")
    app.succeed("tile", folder / "c.tif", *common, "--stain", stain, "--global", "--workers", 1, "--out", folder / "again")
    again = {k: v for k, v in outputs_of(folder / "by-file").items() if k.startswith("c.")}
    findings.expect(outputs_of(folder / "again") == again, "macenko depends on how it is run")
    write_raw_slide(folder / "glass.tif", np.full((300, 300, 3), 245, np.uint8))
    result = app.run("tile", folder / "glass.tif", *common, "--out", folder / "glass")
    findings.expect(result.returncode == 3 and "too little tissue" in result.stderr, f"glass: {result.stderr}")
    row = json.loads((folder / "glass" / "report.json").read_text())["slides"][0]
    findings.expect(row["reason_code"] == "no_stains", f"glass: {row['reason_code']}")


def check_wrong_input(app, folder, findings):
    slide, out = folder / "raw.tif", folder / "wrong"
    wrong = {("--filter", "blur"): "no such filter", ("--filter", "sobel,macenko"): "comes first",
             ("--chunk", "100", "--format", "tiff"): "multiple of 16", ("--shard", "1000"): "multiple of --chunk",
             ("--codec", "zstd", "--format", "tiff"): "gzip or none",
             ("--codec", "zstd", "--format", "ome-zarr-0.4"): "gzip or none", ("--region", "1,2,3"): "X,Y,WIDTH,HEIGHT",
             ("--region", "1,2,0,4"): "X,Y,WIDTH,HEIGHT", ("--stain", "x.json"): "go with --filter macenko",
             ("--filter", "macenko", "--stain", str(folder / "raw.json")): "raw.json",
             ("--set", "memory_budget=1MiB"): "memory_budget", ("--part", "3"): "i/N", ("--format", "png"): "format"}
    for flags, text in wrong.items():
        result = app.run("tile", slide, "--out", out, *flags)
        findings.expect(result.returncode in (2, 3) and text in result.stderr,
                        f"{flags}: exit {result.returncode}: {result.stderr[-300:]}")
        findings.expect(not outputs_of(out), f"{flags}: left {list(outputs_of(out))}")
    (folder / "cut.tif").write_bytes(slide.read_bytes()[:-200000])
    result = app.run("tile", slide, folder / "cut.tif", "--out", folder / "partly")
    findings.expect(result.returncode == 4, f"one bad slide of two: exit {result.returncode}")
    (folder / "mine" / "raw.tif.zarr").mkdir(parents=True)
    result = app.run("tile", slide, "--format", "zarr", "--out", folder / "mine")
    findings.expect(result.returncode == 3 and "raw.tif.zarr" in result.stderr, f"a folder of the user's: {result.stderr}")


def check_reuse(app, folder, findings):
    out = folder / "reuse"
    command = ("tile", folder / "raw.tif", "--filter", "median", "--format", "zarr", "--out", out)
    app.succeed(*command)
    before = {p: p.stat().st_mtime_ns for p in (out / "raw.tif.zarr").rglob("*") if p.is_file()}
    said = app.json(*command, "--workers", "1")
    after = {p: p.stat().st_mtime_ns for p in (out / "raw.tif.zarr").rglob("*") if p.is_file()}
    findings.expect(before == after and "seconds" not in said["slides"][0], "what is done was done again")
    app.succeed(*command[:-2], "--chunk", 256, "--out", out)
    findings.expect(len(files_of(out / "raw.tif.zarr")) == 13, "other chunks are another output")


def check_full_disk(app, folder, findings):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
    for form in ("zarr", "ome-zarr", "ome-tiff"):
        out = folder / f"full-{form}"
        result = app.run("tile", folder / "raw.tif", "--format", form, "--codec", "none", "--out", out, preexec_fn=limit)
        findings.expect(result.returncode == 3 and str(out) in result.stderr, f"full disk, {form}: {result.stderr[-300:]}")
        findings.expect(not outputs_of(out), f"full disk, {form}: left {list(outputs_of(out))}")


def check_kills(app, folder, findings):
    big = folder / "big.tif"
    write_raw_slide(big, draw_tissue(2000, 2100, seed=5))
    flags = ("--filter", "gaussian:4,sobel", "--workers", "2", "--chunk", "128")
    for form in ("zarr", "ome-zarr", "ome-tiff"):
        whole, out = folder / f"whole-{form}", folder / f"killed-{form}"
        start = time.monotonic()
        app.succeed("tile", big, "--format", form, *flags, "--out", whole)
        took = time.monotonic() - start
        for _ in range(4):
            process = app.start("tile", big, "--format", form, *flags, "--out", out)
            time.sleep(random.uniform(0, took))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stderr.close()
            done = [p for p in out.glob("big.*") if not p.name.endswith(".part")]
            findings.expect(not done or outputs_of(whole) == {k: v for k, v in outputs_of(out).items() if ".part" not in k},
                            f"{form}: something half-written has the output's name")
        app.succeed("tile", big, "--format", form, *flags, "--out", out)
        findings.expect(outputs_of(whole) == outputs_of(out), f"{form}: after kills the output is another")


def check_memory(app, folder, findings):
    """What is resident stays within what the refusal of a small budget says, levels of pyramids included."""
    wide = folder / "wide.tif"
    app.succeed("synth", "--size", "2048x40000", "--out", wide)
    out = folder / "wide"
    base = app.json("tile", folder / "raw.tif", "--format", "zarr", "--out", out / "small")["peak_rss_bytes"]
    for filters, form, chunk, codec in (("gaussian", "ome-zarr", 512, "zstd"), ("none", "ome-zarr", 512, "none"),
                                        ("none", "ome-tiff", 512, "none"), ("median", "zarr", 1024, "zstd")):
        command = ("tile", wide, "--filter", filters, "--format", form, "--chunk", chunk, "--codec", codec, "--workers", "2")
        name = f"memory of {filters}, {form}"
        refused = app.run(*command, "--set", "memory_budget=1MiB", "--out", out / "refused")
        stated = re.search(r"needs ([0-9.]+) MiB of memory", refused.stderr)
        findings.expect(refused.returncode == 2 and stated is not None, f"{name}: {refused.stderr[-300:]}")
        if not stated:
            continue
        needed = math.ceil(float(stated[1])) + 1
        said = app.json(*command, "--set", f"memory_budget={needed}MiB", "--out", out / "made")
        more = (said["peak_rss_bytes"] - base) / 2**20
        findings.expect(more <= 1.15 * needed + 16, f"{name}: {more:.0f} MiB are resident where {needed} are stated")
        shutil.rmtree(out / "made")


def check(app, folder, findings):
    random.seed(3)
    pixels = draw_tissue(ROWS, COLS, seed=3)
    write_raw_slide(folder / "raw.tif", pixels)
    check_plain(app, folder, pixels, findings)
    check_tiff(app, folder, pixels, findings)
    check_zarr_reader(app, folder, pixels, findings)
    check_region_and_level(app, folder, pixels, findings)
    check_stains(app, folder, findings)
    check_wrong_input(app, folder, findings)
    check_reuse(app, folder, findings)
    check_full_disk(app, folder, findings)
    check_kills(app, folder, findings)
    check_memory(app, folder, findings)


if __name__ == "__main__":
    main(check)
