#!/usr/bin/env python3
"""What resolution does to a slide classifier, on cohorts whose truth is known; and patches beside whole slides.

    scripts/resolution_study.py OUT [--short] [--untiled build/release/bin/untiled]

Makes cohorts whose classes are told by detail, by an arrangement, and by both (untiled synth --cohort). Trains one
classifier on whole slides at each of several resolutions, and one on patches of the finest with averaged votes in
about the processor time that the whole slides of that resolution took. Scores all on a cohort of another seed. Writes
into OUT table.md (printed too), results.csv, results.json and resolution.svg. Run again with the same options it keeps
the trainings that were finished; kinds, seeds and resolutions may be added. Needs nothing but Python and the program.
docs/resolution.md has the results. --short takes some minutes and shows less.

Seconds are those of processors, of whole trainings with their start and the look at all training slides that ends them.
"""

import argparse
import csv
import dataclasses
import json
import pathlib
import statistics

from studies import Program, kept, make_cohort, same_study, write_manifest

MPP = 0.25  # Of the slides, micrometres a pixel.
KINDS = ("detail", "arrangement", "both")
COLORS = {"detail": "#1b6ca8", "arrangement": "#c0392b", "both": "#2e8b57"}
TRAINING_SEED, TEST_SEED = 1, 1001


@dataclasses.dataclass
class Study:
    """Sizes in pixels of level 0."""
    side: int = 512
    patch: int = 64  # Too narrow for both cells of a pair.
    distance: int = 82
    slides: int = 160
    test_slides: int = 60
    steps: int = 400
    batch: int = 8
    patch_batch: int = 16
    seeds: tuple = (1,)
    resolutions: tuple = (0.25, 0.5, 1.0, 2.0)
    kinds: tuple = KINDS


SHORT = {"slides": 40, "steps": 100, "batch": 4}


def patches_of(study):
    """Patches that cover a slide, as a manifest's regions."""
    for top in range(0, study.side, study.patch):
        for left in range(0, study.side, study.patch):
            yield f"{left},{top},{study.patch},{study.patch}"


def train(program, config, manifest, run, seed, steps, batch, mpp):
    """The run's summary; its last step also judges the training slides."""
    return program.train(config, run, {
        "data.manifest": manifest, "data.mpp": mpp, "train.steps": steps, "train.batch": batch,
        "train.validate_every": 0, "train.checkpoint_every": steps, "seed": seed})


def steps_within(seconds, program, config, manifest, folder, seed, batch):
    """Steps of patches in as many processor seconds, from two short trainings: one has start and end in it, too."""
    few, many = 8, 72
    short, longer = (train(program, config, manifest, folder / f"{steps}-steps", seed, steps, batch,
                           MPP)["processor_seconds"] for steps in (few, many))
    step = max(1e-3, (longer - short) / (many - few))
    return max(few, round((seconds - (short - few * step)) / step))


def row_of(kind, what, mpp, seed, summary, report):
    return {"told_by": kind, "trained_on": what, "mpp": mpp, "seed": seed, "auc": report["auc"],
            "auc_low": report["auc_interval"][0], "auc_high": report["auc_interval"][1],
            "accuracy": report["accuracy"], "steps": summary["steps"],
            "seconds_a_step": summary["processor_seconds"] / summary["steps"],
            "training_seconds": summary["processor_seconds"], "training_auc": summary["last_auc"]}


def whole_row(program, config, study, manifests, kind, mpp, seed, folder):
    summary = train(program, config, manifests["train"], folder, seed, study.steps, study.batch, mpp)
    return row_of(kind, "whole slides", mpp, seed, summary, program.judge(folder, manifests["test"]))


def patch_row(program, config, study, manifests, kind, seconds, seed, folder):
    """As many steps as take the processor seconds of whole slides."""
    steps = steps_within(seconds, program, config, manifests["train"], folder / "pilots", seed, study.patch_batch)
    summary = train(program, config, manifests["train"], folder / "run", seed, steps, study.patch_batch, MPP)
    return row_of(kind, f"patches of {study.patch}", MPP, seed, summary,
                  program.judge(folder / "run", manifests["test"]))


def study_kind(program, config, study, kind, out):
    """All rows of one kind of cohort."""
    folders = {"train": out / f"{kind}-train", "test": out / f"{kind}-test"}
    options = ("--told-by", kind, "--size", f"{study.side}x{study.side}", "--distance", study.distance, "--mpp", MPP)
    slides = {"train": make_cohort(program, study.slides, TRAINING_SEED, folders["train"], *options),
              "test": make_cohort(program, study.test_slides, TEST_SEED, folders["test"], *options)}
    whole = {s: write_manifest(folders[s] / "whole.csv", slides[s], s) for s in slides}
    parts = list(patches_of(study))
    patches = {s: write_manifest(folders[s] / "patches.csv", slides[s], s, parts) for s in slides}
    for seed in study.seeds:
        seconds = {}
        for mpp in sorted(study.resolutions, reverse=True):  # What is quick comes first.
            name = f"{kind}-{mpp}-{seed}"
            row = kept(out / "rows" / f"{name}.json", whole_row, program, config, study, whole, kind, mpp, seed,
                       out / "runs" / name)
            seconds[mpp] = row["training_seconds"]
            yield row
        name = f"{kind}-patches-{seed}"
        yield kept(out / "rows" / f"{name}.json", patch_row, program, config, study, patches, kind,
                   seconds[min(seconds)], seed, out / "runs" / name)


def describe(row):
    return (f"told by {row['told_by']}, {row['trained_on']}, {row['mpp']} um, seed {row['seed']}: AUC {row['auc']:.3f} "
            f"({row['auc_low']:.2f} to {row['auc_high']:.2f}), {row['steps']} steps of {row['seconds_a_step']:.3f} s "
            "of a processor")


def cases(rows):
    """Rows of one kind, training and resolution, in the order of their first."""
    grouped = {}
    for row in rows:
        grouped.setdefault((row["told_by"], row["trained_on"], row["mpp"]), []).append(row)
    return grouped


def table(rows):
    lines = ["| told by | trained on | um a pixel | AUC, by seed (95 % interval) | on training slides | steps "
             "| s of a processor a step | in all |", "|---|---|---|---|---|---|---|---|"]
    for (kind, what, mpp), of in cases(rows).items():
        aucs = ", ".join(f"{r['auc']:.3f} ({r['auc_low']:.2f} to {r['auc_high']:.2f})" for r in of)
        training = ", ".join(f"{r['training_auc']:.2f}" for r in of)
        step = statistics.mean(r["seconds_a_step"] for r in of)
        total = statistics.mean(r["training_seconds"] for r in of)
        steps = ", ".join(dict.fromkeys(str(r["steps"]) for r in of))
        lines.append(f"| {kind} | {what} | {mpp} | {aucs} | {training} | {steps} | {step:.3f} | {total:.0f} |")
    return "\n".join(lines) + "\n"


def panel(rows, study, left, title, low, high, value, interval):
    """One plot, `value` of a row between low and high against the resolution, coarse to fine."""
    width, height, top = 330, 240, 50
    order = sorted(study.resolutions, reverse=True)

    def x(mpp):
        return left + width * (order.index(mpp) + 0.5) / len(order)

    def y(number):
        return top + height * (high - number) / (high - low)

    parts = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>',
             f'<text x="{left}" y="{top - 12}" font-size="14">{title}</text>']
    for mpp in order:
        parts.append(f'<text x="{x(mpp)}" y="{top + height + 18}" text-anchor="middle">{mpp}</text>')
    for i in range(5):
        number = low + (high - low) * i / 4
        parts.append(f'<text x="{left - 6}" y="{y(number) + 4}" text-anchor="end">{number:.2g}</text>')
    for place, kind in enumerate(study.kinds):
        points = []
        for mpp in order:
            of = [r for r in rows if (r["told_by"], r["trained_on"], r["mpp"]) == (kind, "whole slides", mpp)]
            points.append((x(mpp) + 5 * (place - 1), y(statistics.mean(value(r) for r in of))))
            if interval:
                ends = [y(f(r[k] for r in of)) for f, k in ((min, "auc_low"), (max, "auc_high"))]
                parts.append(f'<line x1="{points[-1][0]}" x2="{points[-1][0]}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}" '
                             f'stroke="{COLORS[kind]}"/>')
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLORS[kind]}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{COLORS[kind]}"/>' for a, b in points]
        parts += [f'<rect x="{x(r["mpp"]) + 5 * (place - 1) - 4:.1f}" y="{y(value(r)) - 4:.1f}" width="8" height="8" '
                  f'fill="white" stroke="{COLORS[kind]}" stroke-width="2"/>'
                  for r in rows if r["told_by"] == kind and r["trained_on"] != "whole slides"]
        parts.append(f'<text x="{left + width * place / 3}" y="{top + height + 60}" fill="{COLORS[kind]}">'
                     f'{kind}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">micrometres a pixel, '
                 'fine to the right; squares: patches</text>')
    return parts


def picture(rows, study):
    slowest = max(row["seconds_a_step"] for row in rows)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 370" font-family="sans-serif" font-size="12">',
             '<rect width="800" height="370" fill="white"/>']
    parts += panel(rows, study, 45, "AUC on other slides, by what tells classes", 0.0, 1.0,
                   lambda row: row["auc"], True)
    parts += panel(rows, study, 445, "seconds of a processor a step", 0.0, slowest,
                   lambda row: row["seconds_a_step"], False)
    return "\n".join([*parts, "</svg>"]) + "\n"


def write_results(out, rows, study):
    facts = {**dataclasses.asdict(study), "training_cohort_seed": TRAINING_SEED, "test_cohort_seed": TEST_SEED}
    (out / "results.json").write_text(json.dumps({"study": facts, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    with open(out / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (out / "table.md").write_text(table(rows), encoding="utf-8")
    (out / "resolution.svg").write_text(picture(rows, study), encoding="utf-8")


def options_of(study):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    parser.add_argument("--config", type=pathlib.Path, default=pathlib.Path(__file__).parents[1] / "configs" /
                        "resolution_study.yaml")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as cores may be used")
    parser.add_argument("--short", action="store_true", help="fewer slides, steps and seeds")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    for name in ("side", "patch", "distance", "slides", "test_slides", "steps", "batch",
                 "patch_batch"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, help=f"usually {getattr(study, name)}")
    parser.add_argument("--seeds", nargs="+", type=int, help=f"of trainings, usually {study.seeds}")
    parser.add_argument("--resolutions", nargs="+", type=float, help=f"usually {study.resolutions}")
    return parser.parse_args()


def main():
    study = Study()
    options = options_of(study)
    study = dataclasses.replace(study, **(SHORT if options.short else {}))
    given = {name: value for name, value in vars(options).items() if hasattr(study, name) and value is not None}
    study = dataclasses.replace(study, **given)
    facts = dataclasses.asdict(study)
    same_study(options.out, {name: facts[name] for name in facts if name not in ("kinds", "seeds", "resolutions")})
    print(f"cohorts of seeds {TRAINING_SEED} (training) and {TEST_SEED} (test), trainings of seeds {study.seeds}")
    rows = []
    with open(options.out / "commands.txt", "a", encoding="utf-8") as log:
        program = Program(options.untiled, options.threads, log)
        for kind in study.kinds:
            for row in study_kind(program, options.config, study, kind, options.out):
                print(describe(row), flush=True)
                rows.append(row)
    write_results(options.out, rows, study)
    print(table(rows))


main()
