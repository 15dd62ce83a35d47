"""Includes and links go down only: no circles, no library that knows the program or its settings, a C++ test for
every folder of lib."""

import argparse
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("lib", "data", "models", "app")
ENDINGS = (".h", ".cpp", ".cu")
INCLUDE = re.compile(r'^#include "((?:lib|data|models|app)/[\w./-]+)"', re.M)
ABOVE_SETTINGS = ("lib/config", "app")
SETTINGS = "lib/config/settings.h"


def is_in(folder, *folders):
    return any(folder == f or folder.startswith(f + "/") for f in folders)


def folder_of(path):
    return path.rsplit("/", 1)[0]


def target_of(path):
    """The folder of the target that a file belongs to: the nearest with a CMakeLists.txt."""
    folder = folder_of(path)
    while "/" in folder and not (ROOT / folder / "CMakeLists.txt").exists():
        folder = folder_of(folder)
    return folder


def includes_of(text):
    return INCLUDE.findall(text)


def read_includes():
    """Files with what they include, both as paths from the repository's root."""
    files = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*")):
            if path.suffix in ENDINGS:
                files[path.relative_to(ROOT).as_posix()] = includes_of(path.read_text())
    return files


def wrong_includes(files):
    """Sentences on includes that reach up."""
    for file, included in files.items():
        folder = folder_of(file)
        for header in included:
            if header.startswith("lib/config/") and not is_in(folder, *ABOVE_SETTINGS):
                yield f"{file} includes {header}, which is the pipeline's and the program's alone"
            if header.startswith("app/") and not is_in(folder, "app"):
                yield f"{file} includes {header}, which is the program's"


def circle_of(files):
    """A circle of targets whose files include each other, or nothing."""
    edges = {}
    for file, included in files.items():
        target = target_of(file)
        edges.setdefault(target, set()).update({target_of(h) for h in included} - {target})
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def wrong_links():
    """Sentences on targets below the settings that link them."""
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("CMakeLists.txt")):
            folder = path.parent.relative_to(ROOT).as_posix()
            if "untiled_config" in path.read_text() and not is_in(folder, *ABOVE_SETTINGS):
                yield f"{folder}/CMakeLists.txt links untiled_config"


def untested():
    """Sentences on folders of lib without a C++ test."""
    for folder in sorted((ROOT / "lib").iterdir()):
        if folder.is_dir() and not list((ROOT / "tests" / folder.name).rglob("*_test.cpp")):
            yield f"lib/{folder.name} has no C++ test"


def check_itself():
    """The rules find what they are for."""
    assert includes_of(f'#include <map>\n#include "{SETTINGS}"\n') == [SETTINGS]
    assert list(wrong_includes({"lib/train/a.h": [SETTINGS]})) and list(wrong_includes({"models/b.h": ["app/c.h"]}))
    assert not list(wrong_includes({"app/pipeline/a.h": [SETTINGS], "lib/config/b.h": [SETTINGS]}))
    assert circle_of({"lib/core/x.h": ["lib/plan/y.h"], "lib/plan/y.cpp": ["lib/core/x.h"]})
    assert not circle_of({"lib/core/x.h": ["lib/plan/y.h"], "lib/plan/y.cpp": ["lib/plan/y.h"]})


parser = argparse.ArgumentParser()
parser.add_argument("--untiled")
parser.parse_args()
check_itself()
files = read_includes()
assert len(files) > 100 and any(SETTINGS in included for included in files.values()), "no sources were found"
findings = [*wrong_includes(files), *wrong_links(), *untested()]
circle = circle_of(files)
if circle:
    findings.append(f"targets include each other: {' -> '.join(circle)}")
print(f"{len(files)} sources, {len(findings)} findings")
for finding in findings:
    print("FAILED:", finding)
sys.exit(1 if findings else 0)
