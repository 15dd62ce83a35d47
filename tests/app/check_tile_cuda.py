"""tile --device cuda: the CPU's bytes, by way of a driver that stands in for NVIDIA's and runs the kernels on the host."""

import ctypes
import json
import os
import random
from pathlib import Path

import tifffile

from untiled_app import draw_tissue, main, outputs_of, write_slide

ROWS, COLS, TILE, MPP = 430, 610, 128, 0.5
JOBS = (
    ("--filter", "none", "--format", "zarr"),
    ("--filter", "sobel", "--format", "zarr", "--chunk", 100),
    ("--filter", "sobel", "--format", "zarr", "--chunk", 128, "--direct-io"),
    ("--filter", "gaussian:2.5:uint8", "--format", "ome-zarr", "--chunk", 64, "--shard", 256),
    ("--filter", "median,gaussian:1,sobel", "--format", "ome-tiff", "--chunk", 48),
    ("--filter", "separation", "--format", "ome-zarr-0.4", "--chunk", 160),
    ("--filter", "absorbance,median", "--format", "zarr", "--codec", "zstd", "--chunk", 64, "--region", "33,70,200,301"),
    ("--filter", "macenko,sobel", "--format", "zarr", "--chunk", 96, "--level", 1),
    ("--filter", "macenko", "--format", "tiff", "--chunk", 64),
    ("--filter", "gaussian:1,median", "--format", "ome-zarr", "--chunk", 96, "--region", "33,70,200,301", "--global"),
    ("--filter", "macenko,sobel", "--format", "zarr", "--chunk", 100, "--global"),
)


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def has_module(app, name):
    """Whether the program was built with a library of its own for KvikIO or nvImageCodec."""
    return (Path(app.program).parents[1] / "lib" / f"libuntiled_{name}.so").exists()


def write_pyramid(path, pixels):
    options = {"tile": (TILE, TILE), "photometric": "rgb", "metadata": None, "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, resolution=(1e4 / MPP, 1e4 / MPP), **options)
        writer.write(pixels[::2, ::2], resolution=(5e3 / MPP, 5e3 / MPP), subfiletype=1, **options)


def check_bytes(app, driver, folder, findings):
    slide = folder / "pyramid.tif"
    write_pyramid(slide, draw_tissue(ROWS, COLS, 3))
    for number, job in enumerate(JOBS):
        cpu, gpu = folder / f"cpu{number}", folder / f"gpu{number}"
        app.succeed("tile", slide, *job, "--out", cpu)
        workers = 1 + number % 3
        said = app.json("tile", slide, *job, "--device", "cuda", "--workers", workers, "--out", gpu, env=driver)
        findings.expect(outputs_of(cpu) == outputs_of(gpu) and outputs_of(cpu), f"{job}: other bytes")
        findings.expect("the host" in said["slides"][0]["device"], f"{job}: ran on {said['slides'][0]['device']}")


def check_kvikio(app, driver, folder, findings):
    """KvikIO writes through the host's memory here: there is no cuFile for a driver that stands in."""
    job = ("tile", folder / "pyramid.tif", "--filter", "sobel", "--format", "zarr", "--chunk", 100)
    flags = ("--device", "cuda", "--kvikio")
    for words in (("--codec", "zstd"), ("--shard", 200), ("--direct-io",), ("--format", "ome-zarr"), ("--device", "cpu")):
        result = app.run(*job, *flags, *words, "--out", folder / "refused", env=driver)
        findings.expect(result.returncode == 2, f"--kvikio {words}: exit {result.returncode}: {result.stderr}")
    if not has_module(app, "kvikio"):
        result = app.run(*job, *flags, "--out", folder / "refused", env=driver)
        findings.expect(result.returncode == 2 and "built without KvikIO" in result.stderr, f"no KvikIO: {result.stderr}")
        print("not checked: KvikIO was not there when this was built")
        return
    said = app.json(*job, *flags, "--workers", 3, "--out", folder / "kvikio", env=driver)
    findings.expect(said["slides"][0]["kvikio_mode"] == "posix", f"KvikIO's mode: {said['slides'][0]['kvikio_mode']}")
    findings.expect(outputs_of(folder / "kvikio") == outputs_of(folder / "cpu1") != {}, "KvikIO wrote other bytes")
    found = json.loads(app.run("doctor", "--json", env=driver).stdout)["findings"]
    states = [finding["found"] for finding in found if finding["subject"] == "KvikIO"]
    findings.expect(len(states) == 1 and states[0].startswith("POSIX"), f"doctor: {states}")


def check_refused(app, driver, folder, findings, flags, text):
    result = app.run("tile", folder / "pyramid.tif", "--format", "zarr", *flags, "--out", folder / "refused", env=driver)
    findings.expect(result.returncode == 2 and text in result.stderr and not outputs_of(folder / "refused"),
                    f"{flags}: exit {result.returncode}: {result.stderr}")


def write_jpegs(folder):
    """Slides of JPEG tiles: YCbCr with and without halved chroma, and RGB that nothing in a tile names."""
    pixels = draw_tissue(ROWS, COLS, 5)
    for name, photometric, options in (("420", "ycbcr", {"subsampling": (2, 2)}), ("444", "ycbcr", {"subsampling": (1, 1)}),
                                       ("rgb", "rgb", {})):
        tifffile.imwrite(folder / f"jpeg{name}.tif", pixels, tile=(TILE, TILE), photometric=photometric, compression="jpeg",
                         compressionargs={"level": 90}, metadata=None, **options)
    tifffile.imwrite(folder / "jpeglone.tif", pixels[:90, :100], tile=(TILE, TILE), photometric="ycbcr", compression="jpeg",
                     subsampling=(2, 2), metadata=None)
    return [folder / f"jpeg{name}.tif" for name in ("420", "444", "rgb", "lone")]


def tiles_of(path):
    with tifffile.TiffFile(path) as file:
        return len(file.pages[0].dataoffsets)


def check_decode(app, driver, folder, findings):
    """nvImageCodec's decoder for the CPU stands in for the card's; it gives libjpeg-turbo's bits."""
    check_refused(app, driver, folder, findings, ("--decode", "gpu"), "--decode: decodes for a device")
    if not has_module(app, "nvimgcodec"):
        check_refused(app, driver, folder, findings, ("--device", "cuda", "--decode", "gpu"), "built without nvImageCodec")
        print("not checked: nvImageCodec was not there when this was built")
        return
    check_refused(app, driver, folder, findings, ("--device", "cuda", "--decode", "gpu"), "nvImageCodec cannot be used")
    flags = ("--device", "cuda", "--decode", "nvimgcodec-host")
    for slide in write_jpegs(folder):
        for number, job in enumerate((("--filter", "sobel"), ("--filter", "none", "--chunk", 100, "--region", "150,90,301,200"),
                                      ("--filter", "gaussian:1,median", "--global"), ("--filter", "macenko", "--chunk", 64))):
            if "lone" in slide.name and number != 0:
                continue
            cpu, gpu = folder / f"{slide.name}-cpu{number}", folder / f"{slide.name}-gpu{number}"
            app.succeed("tile", slide, *job, "--format", "zarr", "--out", cpu)
            said = app.json("tile", slide, *job, "--format", "zarr", *flags, "--workers", 1 + number % 3, "--out", gpu, env=driver)
            entry = said["slides"][0]
            findings.expect(outputs_of(cpu) == outputs_of(gpu) != {}, f"{slide.name} {job}: other bytes")
            if "--region" not in job and "macenko" not in job:
                findings.expect(entry["decoded_by_nvimgcodec"] == entry["decoded_tiles"] == tiles_of(slide),
                                f"{slide.name} {job}: {entry['decoded_by_nvimgcodec']} of {entry['decoded_tiles']} tiles")
            findings.expect(entry["decoded_by_nvimgcodec"] > 0, f"{slide.name} {job}: the host decoded")
    check_damage(app, driver, folder, findings, flags)


def check_damage(app, driver, folder, findings, flags):
    """What nvImageCodec cannot decode is the host's, whose error says where it lies."""
    broken = folder / "broken.tif"
    data = bytearray((folder / "jpeg444.tif").read_bytes())
    with tifffile.TiffFile(folder / "jpeg444.tif") as file:
        offset, count = file.pages[0].dataoffsets[6], file.pages[0].databytecounts[6]
    data[offset + count // 2:offset + count] = bytes(count - count // 2)
    broken.write_bytes(data)
    result = app.run("tile", broken, "--format", "zarr", *flags, "--out", folder / "broken", env=driver)
    findings.expect(result.returncode == 3 and "is damaged" in result.stderr + (folder / "broken" / "report.json").read_text(),
                    f"a damaged tile: exit {result.returncode}: {result.stderr[-400:]}")


def check_kvikio_read(app, driver, folder, findings):
    """Raw tiles of a TIFF, at level 1 too, and raw chunks of both kinds of Zarr go to the device by themselves."""
    check_refused(app, driver, folder, findings, ("--kvikio-read",), "--kvikio-read: reads to a device")
    if not has_module(app, "kvikio"):
        return
    tiff = folder / "pyramid.tif"
    stores = {"plain": ("zarr", "zarr"), "interleaved": ("ome-zarr", "ome.zarr"), "planar": ("ome-zarr", "ome.zarr")}
    slides = [(tiff, True, ()), (tiff, True, ("--level", 1)), (folder / "jpeg420.tif", False, ())]
    for name, (form, ending) in stores.items():
        more = ("--planar",) if name == "planar" else ()
        app.succeed("tile", tiff, "--format", form, "--codec", "none", "--chunk", 96, *more, "--out", folder / name)
        slides.append((folder / name / f"pyramid.tif.{ending}", name != "planar", ()))
    for number, (slide, reads, more) in enumerate(slides):
        if not slide.exists():
            continue
        job = ("tile", slide, "--filter", "sobel", "--format", "zarr", "--chunk", 80, *more)
        cpu, gpu = folder / f"read-cpu{number}", folder / f"read-gpu{number}"
        app.succeed(*job, "--out", cpu)
        entry = app.json(*job, "--device", "cuda", "--kvikio-read", "--workers", 2, "--out", gpu, env=driver)["slides"][0]
        findings.expect(outputs_of(cpu) == outputs_of(gpu) != {}, f"{slide.name}: other bytes")
        expected = entry["decoded_tiles"] if reads else 0
        findings.expect(entry["read_by_kvikio"] == expected, f"{slide.name}: {entry['read_by_kvikio']} of {expected} tiles")
        findings.expect(entry["kvikio_mode"] == ("posix" if reads else ""), f"{slide.name}: {entry['kvikio_mode']}")


def check_random(app, driver, folder, findings):
    """Small slides, one pixel among them, in one run of each kind."""
    choose = random.Random(11)
    slides = []
    for number in range(8):
        size = (1, 1) if number == 0 else (choose.randint(1, 90), choose.randint(1, 90))
        slides.append(folder / f"small{number}.tif")
        tifffile.imwrite(slides[-1], draw_tissue(*size, number), photometric="rgb", metadata=None)
    for chain in ("gaussian:2,median,sobel", "median,absorbance"):
        job = ("--filter", chain, "--format", "zarr", "--chunk", choose.randint(16, 40))
        outs = folder / f"all-cpu-{chain}", folder / f"all-gpu-{chain}"
        app.succeed("tile", *slides, *job, "--out", outs[0])
        app.succeed("tile", *slides, *job, "--device", "cuda:0", "--out", outs[1], env=driver)
        findings.expect(outputs_of(outs[0]) == outputs_of(outs[1]), f"small slides, {chain}: other bytes")


def check_reuse(app, driver, folder, findings):
    job = ("tile", folder / "pyramid.tif", *JOBS[0], "--out", folder / "cpu0")
    said = app.json(*job, "--device", "cuda", env=driver)
    findings.expect("seconds" not in said["slides"][0], "what the CPU did is done again on a device")


def check_refusals(app, driver, none, folder, findings):
    slide, out = folder / "pyramid.tif", folder / "refused"
    job = ("tile", slide, "--filter", "sobel", "--format", "zarr", "--out", out)
    wrong = (
        (("--device", "cuda:1"), driver, "numbered from 0"),
        (("--device", "gpu"), driver, "expected cpu, auto, cuda or cuda:N"),
        (("--device", "cuda", "--global"), {**driver, "UNTILED_STAND_IN_MEMORY": "1000000"}, "leave out --global"),
        (("--device", "cuda"), {**driver, "UNTILED_STAND_IN_MEMORY": "1000000"}, "of the CUDA device's memory"),
        (("--device", "cuda", "--chunk", "64"), {**driver, "UNTILED_STAND_IN_LAUNCHES": "3"}, "unspecified launch failure"),
        (("--device", "cuda", "--set", "memory_budget=1MiB"), driver, "memory_budget"),
    )
    if not has_driver():
        wrong = ((("--device", "cuda"), none, "no NVIDIA driver was found"), *wrong)
    for flags, env, text in wrong:
        result = app.run(*job, *flags, env=env)
        findings.expect(result.returncode == 2 and text in result.stderr and result.stderr.count("\n") <= 2,
                        f"{flags}: exit {result.returncode}: {result.stderr[-400:]}")
        findings.expect(not outputs_of(out), f"{flags}: left {list(outputs_of(out))}")
    if has_driver():
        return
    said = app.json(*job, "--device", "auto", env=none)
    findings.expect(said["slides"][0]["device"] == "cpu", f"auto without a driver: {said['slides'][0]['device']}")


def check_bench_and_doctor(app, driver, folder, findings):
    out = folder / "bench.json"
    app.succeed("bench", "tiles", "--size", "300x200", "--repeats", 1, "--workers", 2, "--device", "cuda", "--scratch", folder,
                "--out", out, env=driver)
    report = json.loads(out.read_text())
    written = {(row["job"], row["cache"]): row["bytes_out"] for row in report["tiles"]}
    on_device = [key for key in written if key[0].endswith("_cuda")]
    kvikio = [row["bytes_out"] for row in report["tiles"] if row["job"] == "trip_sobel_tiled_kvikio"]
    findings.expect(all(size == written["trip_sobel_tiled", "warm"] for size in kvikio), f"bench: KvikIO wrote {kvikio}")
    findings.expect(bool(kvikio) == (report.get("kvikio_mode") == "posix"), f"bench: {report.get('kvikio_mode')}")
    findings.expect(len({job for job, _ in on_device}) == 4 and "the host" in report["device"], f"bench on a device: {on_device}")
    for job, cache in on_device:
        findings.expect(written[job, cache] == written[job.removesuffix("_cuda"), cache] > 0, f"bench: {job} wrote other bytes")
    found = json.loads(app.run("doctor", "--json", env=driver).stdout)["findings"]
    states = [finding["found"] for finding in found if finding["subject"] == "CUDA filters"]
    findings.expect(len(states) == 1 and "built in, for the host" in states[0], f"doctor: {states}")
    nccl = [finding["found"] for finding in found if finding["subject"] == "NCCL"]
    findings.expect(nccl == ["NCCL 2.99.99, for ranks that have a CUDA device each"], f"doctor: {nccl}")


def check(app, folder, findings):
    write_slide(folder / "probe.tif", 64, 64)
    stand_in = Path(app.program).parents[1] / "stand_in"
    # cuFile waits forever for what only a driver of NVIDIA's answers.
    driver = {**os.environ, "LD_LIBRARY_PATH": str(stand_in), "KVIKIO_COMPAT_MODE": "ON"}
    none = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    result = app.run("tile", folder / "probe.tif", "--device", "cuda", "--out", folder / "probe", env=driver)
    if "built without CUDA" in result.stderr:
        print("SKIPPED: nvcc was not found when this was built")
        raise SystemExit(77)
    check_bytes(app, driver, folder, findings)
    check_kvikio(app, driver, folder, findings)
    check_decode(app, driver, folder, findings)
    check_kvikio_read(app, driver, folder, findings)
    check_random(app, driver, folder, findings)
    check_reuse(app, driver, folder, findings)
    check_refusals(app, driver, none, folder, findings)
    check_bench_and_doctor(app, driver, folder, findings)


if __name__ == "__main__":
    main(check)
