"""Includes and links go down only: from app to data and models to lib, no circles among targets, a C++ test for every
folder of lib and every library of app."""

import argparse
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What each part of the tree may include and link.
BELOW = {"lib": {"lib"}, "models": {"lib", "models"}, "data": {"lib", "data"},
         "app": {"lib", "models", "data", "app"}}
ENDINGS = (".h", ".cpp", ".cu")
INCLUDE = re.compile(r'^#include "((?:lib|data|models|app)/[\w./-]+)"', re.M)
DECLARED = re.compile(r"\b(?:add_library|untiled_library|untiled_settings)\((untiled_\w+)")
NAMED = re.compile(r"\buntiled_\w+")
SETTINGS = "app/config/settings.h"


def part_of(path):
    return path.split("/", 1)[0]


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
    for part in BELOW:
        for path in sorted((ROOT / part).rglob("*")):
            if path.suffix in ENDINGS:
                files[path.relative_to(ROOT).as_posix()] = includes_of(path.read_text())
    return files


def wrong_includes(files):
    """Sentences on includes that reach up or aside."""
    for file, included in files.items():
        for header in included:
            if part_of(header) not in BELOW[part_of(file)]:
                yield f"{file} includes {header}, and {part_of(file)} stands below {part_of(header)} or beside it"


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


def read_links():
    """The CMakeLists.txt of all parts with their text, as paths from the repository's root."""
    return {path.relative_to(ROOT).as_posix(): path.read_text()
            for part in BELOW for path in sorted((ROOT / part).rglob("CMakeLists.txt"))}


def wrong_links(lists):
    """Sentences on targets that are named where only those above them may."""
    parts = {target: part_of(path) for path, text in lists.items() for target in DECLARED.findall(text)}
    for path, text in lists.items():
        for target in sorted(set(NAMED.findall(text))):
            if parts.get(target, "lib") not in BELOW[part_of(path)]:
                yield f"{path} names {target}, which is of {parts[target]}"


def untested():
    """Sentences on folders of lib, and of libraries of app, without a C++ test."""
    tests = {folder: ROOT / "tests" / folder.name for folder in (ROOT / "lib").iterdir() if folder.is_dir()}
    tests |= {path.parent: ROOT / "tests" / path.parent.relative_to(ROOT)
              for path in (ROOT / "app").glob("*/CMakeLists.txt")}
    for folder, place in sorted(tests.items()):
        if not list(place.rglob("*_test.cpp")):
            yield f"{folder.relative_to(ROOT)} has no C++ test in {place.relative_to(ROOT)}"


def check_itself():
    """The rules find what they are for."""
    assert includes_of(f'#include <map>\n#include "{SETTINGS}"\n') == [SETTINGS]
    for file, header in (("lib/train/a.h", "models/b.h"), ("lib/run/a.h", "data/slide/b.h"), ("models/a.h", SETTINGS),
                         ("data/loader/a.h", "models/b.h")):
        assert list(wrong_includes({file: [header]})), f"{file} may include {header}"
    assert not list(wrong_includes({"app/config/a.h": ["data/slide/b.h", "models/c.h"], "models/d.h": ["lib/e.h"]}))
    lists = {"lib/a/CMakeLists.txt": "untiled_library(untiled_a PRIVATE untiled_fmt)",
             "data/b/CMakeLists.txt": "untiled_settings(untiled_b PUBLIC untiled_a)"}
    assert not list(wrong_links(lists))
    assert list(wrong_links(lists | {"lib/c/CMakeLists.txt": "untiled_library(untiled_c PUBLIC untiled_b)"}))
    assert circle_of({"lib/core/x.h": ["lib/plan/y.h"], "lib/plan/y.cpp": ["lib/core/x.h"]})
    assert not circle_of({"lib/core/x.h": ["lib/plan/y.h"], "lib/plan/y.cpp": ["lib/plan/y.h"]})


parser = argparse.ArgumentParser()
parser.add_argument("--untiled")
parser.parse_args()
check_itself()
files = read_includes()
assert len(files) > 100 and any(SETTINGS in included for included in files.values()), "no sources were found"
findings = [*wrong_includes(files), *wrong_links(read_links()), *untested()]
circle = circle_of(files)
if circle:
    findings.append(f"targets include each other: {' -> '.join(circle)}")
print(f"{len(files)} sources, {len(findings)} findings")
for finding in findings:
    print("FAILED:", finding)
sys.exit(1 if findings else 0)
