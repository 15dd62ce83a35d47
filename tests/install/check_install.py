"""What `cmake --install` writes: it runs from where it is moved to, names neither source nor build,
and the examples in examples/ are built with it: one gets the loss and gradient of train's first step."""

import argparse
import csv
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "app"))
from untiled_app import App, Findings  # noqa: E402

SIZE = "700x900"
TOLERANCE = 1e-12  # The norm is summed up in another order.


def parse_arguments():
    parser = argparse.ArgumentParser()
    for name in ("untiled", "cmake", "build", "scratch", "deps", "compiler"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)


def succeed(*command):
    result = run(*command)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def install(words, scratch):
    """Into a folder that is then moved; returns where it is."""
    first, moved = scratch / "first", scratch / "moved"
    for folder in (first, moved):
        shutil.rmtree(folder, ignore_errors=True)
    succeed(words.cmake, "--install", words.build, "--prefix", first)
    return first.rename(moved)


def check_places(prefix, words, findings):
    """Nothing that others read leads back to this build."""
    package = list((prefix / "lib" / "cmake" / "untiled").glob("*.cmake"))
    findings.expect(len(package) >= 5, f"CMake package: {package}")
    for file in package:
        text = file.read_text().replace(words.deps, "")  # They may lie in the clone, and stay there.
        for place in (str(ROOT), words.build, words.scratch):
            findings.expect(place not in text, f"{file.name} names {place}")
    modules = [path.name for path in Path(words.build, "lib").glob("libuntiled_mpi.*")]
    findings.expect(all((prefix / "lib" / name).exists() for name in modules), f"not {modules}")
    for sample in ("include/untiled/lib/core/region.h", "share/untiled/configs/tissue_unet.yaml",
                   "share/doc/untiled/LICENSE"):
        findings.expect((prefix / sample).is_file(), f"{sample} is missing")


def configure(words, prefix, *flags, example="whole_slide_step"):
    """In a build folder that is kept: what did not change need not be compiled again."""
    folder = Path(words.scratch, example)
    result = run(words.cmake, "-S", ROOT / "examples" / example, "-B", folder,
                 "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={words.compiler}",
                 f"-DCMAKE_PREFIX_PATH={prefix}", "-DTorch_DIR=", *flags)
    return folder, result


def check_other_torch(words, prefix, scratch, findings):
    other = scratch / "other_torch"
    (other / "include" / "ATen").mkdir(parents=True, exist_ok=True)
    (other / "include" / "ATen" / "ATen.h").touch()
    config = other / "share" / "cmake" / "Torch"
    config.mkdir(parents=True, exist_ok=True)
    (config / "TorchConfigVersion.cmake").write_text('set(PACKAGE_VERSION "1.2.3")\n')
    _, result = configure(words, prefix, f"-DTorch_DIR={config}")
    said = " ".join(result.stderr.split())
    findings.expect(result.returncode != 0 and "is 1.2.3, and untiled was built with" in said,
                    f"another LibTorch: {result.returncode} {said}")


def train_steps(app, slide, folder):
    """The rows of metrics.csv of the default network's first two steps on the slide."""
    manifest = folder / "slides.csv"
    manifest.write_text(f"slide,mask,split\n{slide.name},{slide.stem}.mask.png,train\n")
    settings = folder / "train.yaml"
    settings.write_text(json.dumps({"data": {"manifest": str(manifest)},
                                    "labels": {"method": "mask"}, "train": {"steps": 2}}))
    app.succeed("train", settings, "--out", folder / "run")
    return list(csv.DictReader((folder / "run" / "metrics.csv").open()))


def close(value, text):
    return math.isclose(value, float(text), rel_tol=TOLERANCE, abs_tol=0)


def check_example(words, prefix, scratch, findings):
    folder, result = configure(words, prefix, f"-DUNTILED_DEPS={words.deps}")
    assert result.returncode == 0, result.stderr
    succeed(words.cmake, "--build", folder)
    runs = scratch / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir()
    app = App(prefix / "bin" / "untiled")
    slide = runs / "slide.tif"
    app.succeed("synth", "--size", SIZE, "--seed", 5, "--out", slide)
    first, second = train_steps(app, slide, runs)
    step = json.loads(succeed(folder / "whole_slide_step", slide, runs / "slide.mask.png"))
    for name in ("loss", "gradient_norm"):
        print(f"{name}: example {step[name]!r}, train {first[name]} and then {second[name]}")
        findings.expect(close(step[name], first[name]), f"{name} is not train's")
        findings.expect(not close(step[name], second[name]), f"{name} is any step's")
    lost = run(folder / "whole_slide_step", runs / "none.tif", runs / "slide.mask.png")
    findings.expect(lost.returncode == 1 and "none.tif" in lost.stderr, f"no slide: {lost.stderr}")


def check_batch(words, prefix, scratch, findings):
    """The loop over slides with work of one's own: a bad slide is a row, and nothing is done twice."""
    folder, result = configure(words, prefix, f"-DUNTILED_DEPS={words.deps}", example="slide_batch")
    assert result.returncode == 0, result.stderr
    succeed(words.cmake, "--build", folder)
    out = scratch / "means"
    shutil.rmtree(out, ignore_errors=True)
    slides = [scratch / "runs" / "slide.tif", scratch / "runs" / "none.tif"]
    actions = []
    for _ in range(2):
        result = run(folder / "slide_batch", out, *slides)
        findings.expect(result.returncode == 4 and "slide.tif: ok" in result.stdout and
                        "none.tif" in result.stderr, f"{result.returncode} {result.stderr}")
        with (out / "timings.csv").open() as file:
            actions.append([row["action"] for row in csv.DictReader(file)][0])
    findings.expect(actions == ["computed", "reused"], f"a slide is {actions}")
    mean = float((out / "slide.tif.red.txt").read_text())
    findings.expect(0 < mean < 255, f"mean {mean}")
    linked = run("ldd", folder / "slide_batch").stdout
    findings.expect("libtorch" not in linked, f"a batch links LibTorch: {linked}")


def main():
    words = parse_arguments()
    scratch = Path(words.scratch)
    findings = Findings()
    prefix = install(words, scratch)
    check_places(prefix, words, findings)
    check_other_torch(words, prefix, scratch, findings)
    check_example(words, prefix, scratch, findings)
    check_batch(words, prefix, scratch, findings)
    findings.close()


main()
