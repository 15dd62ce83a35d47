#!/usr/bin/env python3
"""Whether a U-Net learns what only a whole slide shows: glands whose class two squares tell, anywhere on the slide.

    scripts/context_study.py OUT [--size 1024] [--steps 900] [--untiled build/release/bin/untiled]

Makes slides with `untiled synth --cohort --told-by context`, trains one U-Net on whole slides and one on patches of a
quarter of the side with as many pixels a step, and judges both on slides of another seed, which the second sees in
patches too. Prints the pooled Dice of the positive glands: of all test slides together, for a negative slide has none.
Who finds all glands and guesses their class has 0.667 at most. Seconds are processors', which other work on the machine
does not lengthen. Writes results.json and table.md into OUT. Run again with the same options, it keeps slides and
trainings that were finished. Needs nothing but Python and the program. docs/resolution.md has the results.
"""

import argparse
import csv
import json
import pathlib

from studies import Program, kept, same_study

TRAINING_SEED, TEST_SEED = 1, 2
PATCHES_ASIDE = 4


def make_cohorts(program, options):
    """Folders of slides by split."""
    folders = {"train": options.out / "training-slides", "val": options.out / "test-slides"}
    for split, count, seed in (("train", options.slides, TRAINING_SEED), ("val", options.test_slides, TEST_SEED)):
        if not (folders[split] / "manifest.csv").exists():
            program.run("synth", "--cohort", count, "--told-by", "context", "--size", f"{options.size}x{options.size}",
                        "--seed", seed, "--threads", program.threads, "--out", folders[split])
    return folders


def regions(size, aside):
    side = size // aside
    return [f"{x * side},{y * side},{side},{side}" for y in range(aside) for x in range(aside)]


def write_manifest(path, folders, size, aside):
    """Slides of both splits in aside x aside parts."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["slide", "mask", "split", "region"])
        for split, folder in folders.items():
            for slide in sorted(folder.glob("slide_*.tif")):
                names = (slide.relative_to(path.parent), slide.with_suffix(".mask.png").relative_to(path.parent))
                for region in regions(size, aside) if aside > 1 else [""]:
                    writer.writerow([*names, split, region])


def config_of(options, manifest, accumulate):
    return {"data": {"manifest": str(manifest.resolve()), "classes": [{"name": "positive", "value": 2}]},
            "labels": {"method": "mask"}, "model": {"widths": options.widths, "up_kernel": options.up_kernel},
            "train": {"steps": options.steps, "loss": "bce", "accumulate": accumulate,
                      "validate_every": max(1, options.steps // 4), "checkpoint_every": options.steps,
                      "optimizer": {"name": "adam", "learning_rate": options.learning_rate},
                      "schedule": {"name": "one_cycle"}},
            "augment": {"flip": True, "rotate": True},
            "memory_budget": options.memory_budget, "seed": options.seed}


def train(program, options, folders, name, aside):
    """The run's facts; a step has as many pixels whatever the parts."""
    manifest = options.out / f"{name}.csv"
    write_manifest(manifest, folders, options.size, aside)
    config = options.out / f"{name}.yaml"  # JSON is YAML.
    config.write_text(json.dumps(config_of(options, manifest, aside * aside), indent=1), encoding="utf-8")
    folder = options.out / f"run-{name}"
    summary = program.train(config, folder, {})
    seconds = summary["processor_seconds"]
    return {"trained_on": name, "steps": summary["steps"], "processor_seconds": seconds,
            "seconds_a_step": seconds / summary["steps"], "peak_rss_bytes": summary["peak_rss_bytes"],
            "loss": sum(summary["losses"][-20:]) / len(summary["losses"][-20:]),
            "pooled_dice": pooled_dice(folder / "validation.csv")}


def pooled_dice(path):
    """By step, of all validated slides or patches together."""
    counts = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            of = counts.setdefault(int(row["step"]), [0, 0, 0])
            for i, name in enumerate(("true_positive", "false_positive", "false_negative")):
                of[i] += int(row[name])
    return {step: 2 * hit / max(1, 2 * hit + wrong + missed) for step, (hit, wrong, missed) in counts.items()}


def table(rows):
    lines = ["| trained on | steps | s of a processor a step | loss at the end "
             "| pooled Dice on other slides, at steps |", "|---|---|---|---|---|"]
    for row in rows:
        dice = ", ".join(f"{value:.3f} ({step})" for step, value in row["pooled_dice"].items())
        lines.append(f"| {row['trained_on']} | {row['steps']} | {row['seconds_a_step']:.2f} | {row['loss']:.4f} | "
                     f"{dice} |")
    return "\n".join(lines) + "\n"


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    parser.add_argument("--size", type=int, default=1024, help="pixels a side of a slide")
    parser.add_argument("--slides", type=int, default=64)
    parser.add_argument("--test-slides", type=int, default=16)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8, 12, 16, 32])
    parser.add_argument("--up-kernel", type=int, default=7,
                        help="5 does not reach the last quarter of a deepest pixel that lies at the border")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1, help="of the trainings")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--memory-budget", default="4GiB")
    return parser.parse_args()


def main():
    options = options_of()
    facts = {name: value for name, value in vars(options).items() if name not in ("out", "untiled", "threads")}
    same_study(options.out, facts)
    print(f"slides of seeds {TRAINING_SEED} (training) and {TEST_SEED} (test), trainings of seed {options.seed}")
    rows = []
    with open(options.out / "commands.txt", "a", encoding="utf-8") as log:
        program = Program(options.untiled, options.threads, log)
        folders = make_cohorts(program, options)
        for name, aside in (("whole slides", 1), ("patches", PATCHES_ASIDE)):
            rows.append(kept(options.out / "rows" / f"{name}.json", train, program, options, folders, name, aside))
            print(table(rows[-1:]), flush=True)
    (options.out / "results.json").write_text(json.dumps({"study": facts, "rows": rows}, indent=1) + "\n",
                                              encoding="utf-8")
    (options.out / "table.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


main()
