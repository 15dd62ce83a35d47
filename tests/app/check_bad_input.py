"""Bad slides, settings, disks and devices: the exit code, one clear error, nothing partial."""

import json
import re
import resource
import shutil
import sys
from pathlib import Path

from untiled_app import (Image, files_of, outputs_of, main, np, small_and_real, write_settings,
                         write_slide)
import network

NOISE = re.compile(r"(note|warning): |.* %|.* left|.*done|\s*$")
USAGE, DATA, SOME = 2, 3, 4


class Bench:
    """A folder with a good slide, a checkpoint trained on it, and the way to judge failures."""

    def __init__(self, app, folder, findings):
        self.app, self.folder, self.findings = app, folder, findings
        self.good = folder / "good.tif"
        write_slide(self.good, 700, 600)
        self.yaml = write_settings(folder / "good.yaml", [self.good], train={"steps": 2})
        app.succeed("train", self.yaml, "--out", folder / "trained")
        self.checkpoint = folder / "trained" / "checkpoints" / "last.safetensors"
        self.count = 0

    def out(self):
        self.count += 1
        return self.folder / f"out{self.count}"

    def fails(self, code, names, *arguments, out=None, **options):
        """One error on stderr that names something, the exit code, and an empty `out`."""
        result = self.app.run(*arguments, **options)
        what = f"untiled {' '.join(map(str, arguments))}"
        expect = self.findings.expect
        expect(result.returncode == code,
               f"{what}: exit {result.returncode}, not {code}: {result.stderr[-400:]}")
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        expect(len(errors) == 1, f"{what}: {len(errors)} errors: {result.stderr[-800:]}")
        other = [line for line in result.stderr.splitlines()
                 if not line.startswith("error: ") and not NOISE.match(line)]
        expect(not other, f"{what}: stderr also says {other[:5]}")
        for name in [names] if isinstance(names, str) else names:
            expect(any(name in error for error in errors), f"{what}: no {name!r} in {errors}")
        if "--json" in arguments and result.stdout:
            expect(is_json(result.stdout), f"{what}: stdout is no JSON: {result.stdout[:200]}")
        if out is not None:
            expect(not outputs_of(out), f"{what}: left {list(outputs_of(out))}")
        return result

    def settings(self, slides, **sections):
        self.count += 1
        return write_settings(self.folder / f"settings{self.count}.yaml", slides,
                              train={"steps": 2}, **sections)

    def train_fails(self, code, names, yaml, *flags, **options):
        out = self.out()
        self.fails(code, names, "train", yaml, "--out", out, *flags, out=out, **options)

    def export_fails(self, code, names, *flags, slides=None, **options):
        out = self.out()
        return self.fails(code, names, "export", "--checkpoint", self.checkpoint, "--out", out,
                          "--format", "png,probability", *flags, *(slides or [self.good]), out=out,
                          **options)


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def bad_slides(bench):
    """name -> path of files that are no slides."""
    folder = bench.folder / "bad"
    folder.mkdir()
    (folder / "empty.svs").write_bytes(b"")
    (folder / "folder.svs").mkdir()
    (folder / "noise.tif").write_bytes(np.random.default_rng(0).bytes(50000))
    (folder / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    (folder / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    good = bench.good.read_bytes()
    (folder / "header.tif").write_bytes(good[:200])
    for names in (("text.svs", "broken.svs"), ("damaged.svs", "unreadable.svs"),
                  ("compression.tiff", "unopenable.tiff")):
        for path in small_and_real(*names):
            shutil.copyfile(path, folder / path.name)
    return sorted(folder.iterdir()) + [folder / "missing.svs"]


def check_bad_slides(bench):
    for slide in bad_slides(bench):
        bench.fails(DATA, slide.name, "info", slide)
        bench.fails(DATA, slide.name, "info", slide, "--json")
        out = bench.out()
        bench.fails(DATA, slide.name, "label", slide, "--out", out, out=out)
        bench.export_fails(DATA, slide.name, slides=[slide])
        bench.export_fails(DATA, slide.name, "--json", slides=[slide])
        yaml = bench.settings([slide])
        bench.train_fails(DATA, slide.name, yaml)
        bench.fails(DATA, slide.name, "plan", yaml)
        bench.fails(DATA, slide.name, "verify", "--slide", slide, "--size", "64x64")


def check_cut_slides(bench):
    """Cut within the pixels: what opens must fail when it is read, and leave nothing."""
    sources = [bench.good, *small_and_real("picture.ome.tif", "CMU-1-Small-Region.svs"),
               *small_and_real("picture.jpg", "Case001_HE.jpg")]
    pyramid = bench.folder / "pyramid.tif"
    bench.app.succeed("synth", "--size", "1000x900", "--out", pyramid)
    for source in [*sources, pyramid]:
        for part in (0.3, 0.6, 0.95):
            slide = bench.folder / f"cut{int(100 * part)}_{source.name}"
            data = source.read_bytes()
            slide.write_bytes(data[:int(part * len(data))])
            code = bench.app.run("info", slide).returncode
            bench.findings.expect(code in (0, DATA), f"info {slide.name}: exit {code}")
            bench.export_fails(DATA, slide.name, "--level", 0, slides=[slide])
            bench.train_fails(DATA, slide.name, bench.settings([slide]))


def check_batches(bench):
    """The good slides of a batch are written, the bad one is named once."""
    bad = bench.folder / "bad" / "text.svs"
    for verb, flags, count in (("export", ("--checkpoint", bench.checkpoint), 1), ("label", (), 2)):
        out = bench.out()
        result = bench.fails(SOME, bad.name, verb, *flags, "--out", out, "--json", bad, bench.good)
        names = list(outputs_of(out))
        bench.findings.expect(len(names) == count and all(n.startswith("good.tif.") for n in names),
                              f"{verb} of a batch wrote {names}")
        status = [s["status"] for s in json.loads(result.stdout)["slides"]]
        bench.findings.expect(status == ["failed", "ok"], f"{verb} of a batch says {status}")
    bench.fails(SOME, bad.name, "info", bad, bench.good, "--json")


def write_manifest(bench, *rows, header="slide,mask,split,group,mpp,region"):
    bench.count += 1
    path = bench.folder / f"manifest{bench.count}.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def check_masks_and_manifests(bench):
    def fails(names, *rows, **options):
        manifest = write_manifest(bench, *rows, **options)
        yaml = bench.settings([], data={"manifest": str(manifest), "slides": []},
                              labels={"method": "mask"})
        bench.train_fails(DATA, names, yaml)

    def mask(name, rows, cols, value=1):
        path = bench.folder / name
        Image.fromarray(np.full((rows, cols), value, np.uint8)).save(path)
        return path

    odd = mask("odd.png", 500, 500)
    fails(["odd.png", "500", "700"], f"good.tif,{odd},train,,,")
    fails(["large.png"], f"good.tif,{mask('large.png', 1400, 1200)},train,,,")
    (bench.folder / "text.png").write_text("no mask")
    fails(["text.png"], "good.tif,text.png,train,,,")
    fails(["nowhere.png"], "good.tif,nowhere.png,train,,,")
    fails(["good.tif"], "good.tif,,train,,,")
    fails(["nowhere.tif", ":2"], "nowhere.tif,odd.png,train,,,")
    fails(["split", "trian", ":2"], "good.tif,odd.png,trian,,,")
    fails(["mpp", "half", ":2"], "good.tif,odd.png,train,,half,")
    fails(["region", ":2"], 'good.tif,odd.png,train,,,"1,2,3"')
    fails([":2", "fields"], "good.tif,odd.png")
    fails(["slide"], "good.tif,odd.png", header="picture,mask")
    fails([":3", "twice"], "good.tif,odd.png,train,,,", "good.tif,odd.png,train,,,")
    strange = mask("strange.png", 700, 600, 9)
    manifest = write_manifest(bench, f"good.tif,{strange},train,,,")
    classes = [{"name": "a", "value": 0}, {"name": "b", "value": 1}]
    yaml = bench.settings([], data={"manifest": str(manifest), "slides": [], "classes": classes},
                          labels={"method": "mask"})
    bench.train_fails(DATA, ["strange.png", "9"], yaml)
    bench.train_fails(DATA, "nowhere.csv",
                      bench.settings([], data={"manifest": "nowhere.csv", "slides": []}))


def check_settings(bench):
    def fails(names, text):
        bench.count += 1
        yaml = bench.folder / f"bad{bench.count}.yaml"
        yaml.write_text(text)
        for verb in ("train", "plan"):
            bench.fails(USAGE, names, verb, yaml)

    fails(["stepz", "steps", ":3"], "data: {slides: [good.tif]}\ntrain:\n  stepz: 3\n")
    fails(["train.steps", "many"], "data: {slides: [good.tif]}\ntrain: {steps: many}\n")
    fails(["train.steps"], "data: {slides: [good.tif]}\ntrain: {steps: [1, 2]}\n")
    fails(["train.loss", "focal"], "data: {slides: [good.tif]}\ntrain: {loss: focal}\n")
    fails(["memory_budget"], "data: {slides: [good.tif]}\nmemory_budget: 3 apples\n")
    fails(["model.down_kernel"], "data: {slides: [good.tif]}\nmodel: {down_kernel: 4}\n")
    fails(["train.steps"], "data: {slides: [good.tif]}\ntrain: {steps: -1}\n")
    fails(["YAML", ".yaml:"], "data: [1, 2\ntrain: }\n")
    fails(["YAML"], "data:\n\t- tab\n")
    fails([".yaml"], "just words\n")
    fails(["data.slides"], "train: {steps: 3}\n")
    fails(["match", "*.svs"], "data: {slides: ['nothing/*.svs']}\n")
    fails(["streaming.tile"], "data: {slides: [good.tif]}\nstreaming: {tile: 0}\n")
    bench.fails(USAGE, "nowhere.yaml", "train", bench.folder / "nowhere.yaml")
    bench.fails(USAGE, "", "train", bench.folder)
    binary = bench.folder / "binary.yaml"
    binary.write_bytes(bytes(range(256)) * 4)
    bench.fails(USAGE, "binary.yaml", "train", binary)
    for flag in ("train.stepz=3", "train.steps", "train.steps=x", "=3"):
        bench.train_fails(USAGE, "--set", bench.yaml, "--set", flag)
    bench.train_fails(DATA, "level", bench.yaml, "--set", "data.level=5")


def check_command_line(bench):
    fails = bench.fails
    fails(USAGE, "", "fly")
    fails(USAGE, "", "train", bench.yaml, "--fly")
    fails(USAGE, "", "train")
    fails(USAGE, "")
    fails(USAGE, "", "export", bench.good, "--out", bench.folder / "none")
    fails(USAGE, "", "export", "--checkpoint", bench.checkpoint, "--out", bench.folder / "none")
    fails(USAGE, "", "synth", "--size", "100x100")
    fails(USAGE, "--size", "synth", "--size", "100", "--out", bench.folder / "none.tif")
    fails(USAGE, "", "info")
    fails(USAGE, "match", "info", bench.folder / "*.nothing")
    bench.export_fails(USAGE, "match", slides=[bench.folder / "*.nothing"])
    bench.export_fails(USAGE, "", "--format", "gif")
    bench.export_fails(USAGE, "", "--probability-type", "int8")
    bench.export_fails(USAGE, "", "--level", "-1")
    bench.export_fails(DATA, "good.tif", "--level", "9")
    for verb in ("train", "export", "label", "plan", "verify", "synth", "info", "doctor"):
        text = bench.app.succeed(verb, "--help")
        bench.findings.expect("untiled " + verb in text, f"{verb} --help shows no example")
    bench.findings.expect("Exit codes" in bench.app.succeed("--help"), "--help has no exit codes")


def check_checkpoints(bench):
    out = bench.out()

    def fails(name, data):
        path = bench.folder / name
        if data is not None:
            path.write_bytes(data)
        bench.fails(DATA, name, "export", "--checkpoint", path, "--out", out, bench.good, out=out)

    good = bench.checkpoint.read_bytes()
    fails("nowhere.safetensors", None)
    fails("empty.safetensors", b"")
    fails("text.safetensors", b"no weights at all\n" * 9)
    fails("cut.safetensors", good[:len(good) // 2])
    fails("long.safetensors", b"\xff" * 8 + good[8:])
    fails("plain.safetensors", len(b"{}").to_bytes(8, "little") + b"{}")
    state = bench.folder / "cutstate" / "checkpoints"
    shutil.copytree(bench.checkpoint.parent, state)
    whole = (state / "last.state").read_bytes()
    (state / "last.state").write_bytes(whole[:len(whole) // 2])
    bench.fails(DATA, "last.state", "train", bench.yaml, "--out", state.parent, "--resume",
                "--set", "train.steps=4")


def limit_files(size):
    """Files stop at `size` bytes; the program itself sees to SIGXFSZ."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def check_full_disk(bench):
    for size in (0, 100, 1000):
        # Where nothing can be written, it is the folder that fails and no slide.
        named = "good.tif" if size > 0 else ".untiled/verb: cannot be written"
        bench.export_fails(DATA, named, preexec_fn=limit_files(size))
        out = bench.out()
        bench.fails(DATA, "synth.tif", "synth", "--size", "2000x2000", "--out", out / "synth.tif",
                    out=out, preexec_fn=limit_files(size))
        out = bench.out()
        bench.fails(DATA, named, "label", bench.good, "--out", out, out=out,
                    preexec_fn=limit_files(size))
    out = bench.out()
    out.mkdir()
    bench.fails(DATA, "", "synth", "--size", "3000x3000", "--out", out / "big.tif", out=out,
                preexec_fn=limit_files(300000))
    dump = bench.out() / "dump.safetensors"
    bench.fails(DATA, "dump.safetensors", "verify", "--size", "64x64", "--dump", dump,
                out=dump.parent, preexec_fn=limit_files(1000))
    check_training_on_full_disk(bench)


def check_training_on_full_disk(bench):
    """Whatever file the disk ends in: all files are whole, and with room the run goes on."""
    for size in (0, 300, 3000, 10000, 19000, 40000, 65000):
        out = bench.out()
        what = f"train with files of at most {size} bytes"
        result = bench.app.run("train", bench.yaml, "--out", out, preexec_fn=limit_files(size))
        bench.findings.expect(result.returncode == (DATA if size < 40000 else result.returncode)
                              and result.returncode in (0, DATA),
                              f"{what}: exit {result.returncode} {result.stderr[-300:]}")
        errors = result.stderr.count("error: ")
        bench.findings.expect(errors == (1 if result.returncode else 0),
                              f"{what}: {errors} errors: {result.stderr[-500:]}")
        files = files_of(out)
        partial = [n for n in files if ".part" in n or n.endswith(".tmp")]
        bench.findings.expect(not partial, f"{what}: left {partial}")
        for name in files:
            if name.endswith(".safetensors"):
                network.load(out / name)
            if name.endswith(".json"):
                bench.findings.expect(is_json(files[name].decode()), f"{what}: {name} is cut")
            if name.endswith(".png"):
                Image.open(out / name).load()
        again = bench.app.run("train", bench.yaml, "--out", out, "--resume")
        bench.findings.expect(again.returncode == 0, f"{what}, then --resume: {again.stderr}")
        weights = (out / "checkpoints" / "last.safetensors").read_bytes()
        bench.findings.expect(weights == bench.checkpoint.read_bytes(),
                              f"{what}, then --resume: other weights")


def check_unwritable(bench):
    file = bench.folder / "file"
    file.write_text("in the way")
    bench.fails(USAGE, str(file), "train", bench.yaml, "--out", file)
    bench.fails(DATA, str(file), "export", "--checkpoint", bench.checkpoint, "--out", file,
                bench.good)
    bench.fails(DATA, str(file), "label", bench.good, "--out", file)
    bench.findings.expect(file.read_text() == "in the way", "a file in the way was overwritten")
    code = bench.app.run("info", bench.good, preexec_fn=full_stdout).returncode
    bench.findings.expect(code == DATA, f"info to a full standard output: exit {code}")


def full_stdout():
    import os

    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def check_budget_and_device(bench):
    needed = ["memory_budget", "MiB"]
    small = ("--set", "memory_budget=1MiB")
    bench.train_fails(USAGE, needed, bench.yaml, *small)
    bench.fails(USAGE, needed, "plan", bench.yaml, *small)
    bench.export_fails(USAGE, needed, *small)
    result = bench.app.run("plan", bench.yaml, *small)
    least = re.findall(r"([\d.]+) ?(KiB|MiB|GiB)", result.stderr.replace("1.00 MiB", ""))
    if bench.findings.expect(bool(least), f"the least budget is not named: {result.stderr}"):
        budget = "".join(least[-1])
        for verb in ("plan", "train"):
            out = ("--out", bench.out()) if verb == "train" else ()
            found = bench.app.run(verb, bench.yaml, *out, "--set", f"memory_budget={budget}")
            bench.findings.expect(found.returncode == 0,
                                  f"{verb}: the least budget, {budget}, fails: {found.stderr}")
    devices = ["cuda:99", "cuda:x", "tpu"]
    devices += ["mps"] if sys.platform != "darwin" else []
    devices += ["cuda"] if not Path("/proc/driver/nvidia").exists() else []
    for device in devices:
        flags = ("--set", f"device={device}")
        bench.train_fails(USAGE, device.split(":", maxsplit=1)[0], bench.yaml, *flags)
        bench.export_fails(USAGE, device.split(":", maxsplit=1)[0], *flags)
        bench.fails(USAGE, "", "verify", "--size", "64x64", *flags)
        bench.fails(USAGE, "", "plan", bench.yaml, *flags)


def check_json(bench):
    out = bench.out()
    for arguments in (("info", bench.good), ("label", bench.good, "--out", out),
                      ("plan", bench.yaml), ("verify", "--size", "64x70"),
                      ("export", "--checkpoint", bench.checkpoint, "--out", bench.out(), bench.good),
                      ("synth", "--size", "300x300", "--out", out / "s.tif"),
                      ("train", bench.yaml, "--out", bench.out()), ("doctor",)):
        result = bench.app.run(*arguments, "--json")
        bench.findings.expect(is_json(result.stdout) and result.returncode in (0, 1),
                              f"{arguments[0]} --json: {result.returncode} {result.stdout[:300]}")


def check(app, folder, findings):
    bench = Bench(app, folder, findings)
    for part in (check_bad_slides, check_cut_slides, check_batches, check_masks_and_manifests,
                 check_settings, check_command_line, check_checkpoints, check_full_disk,
                 check_unwritable, check_budget_and_device, check_json):
        part(bench)


main(check)
