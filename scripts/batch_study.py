#!/usr/bin/env python3
"""One slide over all ranks beside a slide on each: time a slide, memory a rank, and what the batch does to accuracy.

    scripts/batch_study.py OUT [--batches 1 2 4 8 16] [--seeds 1 2 3] [--untiled build/release/bin/untiled]

Ranks that share a slide take one slide a step. Ranks with a slide each take as many slides a step as they are, and so
fewer steps for as many slides. This trains one classifier with each batch on equally many slides, at each of several
learning rates, and scores it on a cohort of another seed: a run gives the same bytes on any number of ranks, so that it
stands for every layout with its batch. `untiled bench ranks` measures steps of the same network in both layouts, ranks
being threads. Seconds are those of processors, of all ranks together. Writes table.md (printed too), accuracy.csv,
results.json and ranks.json into OUT; run again with the same options, it keeps what was finished. Needs nothing but
Python and the program. docs/rank_model.md has the results.
"""

import argparse
import csv
import json
import pathlib
import statistics

from studies import Program, kept, make_cohort, same_study, write_manifest

TRAINING_SEED, TEST_SEED = 1, 1001
# Of configs/resolution_study.yaml, for the benchmark.
NETWORK = {"model.depth": 10, "model.width": 8, "streaming.tile": 128}


def cohorts(program, options):
    """Manifests of whole slides by split."""
    paths = {}
    for split, count, seed in (("train", options.slides, TRAINING_SEED), ("test", options.test_slides, TEST_SEED)):
        folder = options.out / f"{split}-slides"
        slides = make_cohort(program, count, seed, folder, "--told-by", "detail", "--size",
                             f"{options.side}x{options.side}")
        paths[split] = write_manifest(folder / "whole.csv", slides, split)
    return paths


def accuracy_row(program, options, manifests, batch, rate, seed, folder):
    """One training on `options.seen` slides, and its scores on other slides."""
    steps = options.seen // batch
    summary = program.train(options.config, folder, {
        "data.manifest": manifests["train"], "train.steps": steps, "train.batch": batch, "train.validate_every": 0,
        "train.checkpoint_every": steps, "train.optimizer.learning_rate": rate, "seed": seed})
    report = program.judge(folder, manifests["test"])
    return {"batch": batch, "learning_rate": rate, "seed": seed, "steps": steps, "auc": report["auc"],
            "auc_low": report["auc_interval"][0], "auc_high": report["auc_interval"][1],
            "loss": statistics.mean(summary["losses"][-max(1, 32 // batch):]),
            "processor_seconds": summary["processor_seconds"]}


def accuracy_rows(program, options):
    manifests = cohorts(program, options)
    for seed in options.seeds:
        for batch in options.batches:
            for rate in options.rates:
                name = f"batch-{batch}-{rate}-{seed}"
                row = kept(options.out / "rows" / f"{name}.json", accuracy_row, program, options, manifests, batch,
                           rate, seed, options.out / "runs" / name)
                print(f"batch {batch}, rate {rate}, seed {seed}: AUC {row['auc']:.3f} ({row['auc_low']:.2f} to "
                      f"{row['auc_high']:.2f}), {row['processor_seconds']:.0f} s of a processor", flush=True)
                yield row


def bench_rows(program, options):
    """The benchmark's rows: ranks that share a slide (strong) and ranks with a slide each (data parallel)."""
    ranks = max(options.batches)
    out = options.out / "ranks.json"
    program.run("bench", "ranks", "--network", "resnet", "--resnet-part", f"{options.side // ranks}x{options.side}",
                "--ranks", f"threads:{ranks}", "--steps", options.bench_steps, "--out", out,
                *(part for name, value in NETWORK.items() for part in ("--set", f"{name}={value}")))
    rows = json.loads(out.read_text(encoding="utf-8"))["ranks"]
    return [{"layout": row["scaling"], "ranks": row["ranks"], "slides": row["slides"],
             "processor_seconds_a_slide": row["median_cpu_seconds"] / row["slides"],
             "memory_bytes_a_rank": row["memory_bytes_per_rank"]}
            for row in rows if row["scaling"] in ("strong", "data parallel")]


def aucs(rows, batch, rate):
    return ", ".join(f"{row['auc']:.3f} ({row['auc_low']:.2f} to {row['auc_high']:.2f})" for row in rows
                     if (row["batch"], row["learning_rate"]) == (batch, rate))


def table(rows, measured, options):
    head = ["layout", "ranks", "slides a step", "steps", "s of a processor a slide", "memory a rank",
            *(f"AUC at a rate of {rate}, by seed (95 % interval)" for rate in options.rates)]
    lines = [head, ["---"] * len(head)]
    names = {"strong": "a slide over all ranks", "data parallel": "a slide on each rank"}
    for bench in sorted(measured, key=lambda row: (row["ranks"], row["slides"])):
        batch = bench["slides"]
        if batch in options.batches and bench["ranks"] > 1:
            lines.append([names[bench["layout"]], str(bench["ranks"]), str(batch), str(options.seen // batch),
                          f"{bench['processor_seconds_a_slide']:.3f}",
                          f"{bench['memory_bytes_a_rank'] / 2**20:.1f} MiB",
                          *(aucs(rows, batch, rate) for rate in options.rates)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write_results(options, facts, rows, measured):
    (options.out / "results.json").write_text(
        json.dumps({"study": facts, "accuracy": rows, "measured": measured}, indent=1) + "\n", encoding="utf-8")
    with open(options.out / "accuracy.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (options.out / "table.md").write_text(table(rows, measured, options), encoding="utf-8")


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--untiled", default="build/release/bin/untiled")
    parser.add_argument("--config", type=pathlib.Path, default=pathlib.Path(__file__).parents[1] / "configs" /
                        "resolution_study.yaml")
    parser.add_argument("--threads", type=int, default=0, help="of a training; 0: as many as cores may be used")
    parser.add_argument("--side", type=int, default=512, help="pixels a side of a slide")
    parser.add_argument("--slides", type=int, default=40)
    parser.add_argument("--test-slides", type=int, default=60)
    parser.add_argument("--seen", type=int, default=480, help="slides that each training sees, one counted each time")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--rates", type=float, nargs="+", default=[2e-3, 4e-3, 8e-3], help="of learning")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of trainings")
    parser.add_argument("--bench-steps", type=int, default=3)
    return parser.parse_args()


def main():
    options = options_of()
    facts = {name: getattr(options, name) for name in ("side", "slides", "test_slides", "seen", "bench_steps")}
    same_study(options.out, facts)
    print(f"cohorts of seeds {TRAINING_SEED} (training) and {TEST_SEED} (test), trainings of seeds {options.seeds}")
    with open(options.out / "commands.txt", "a", encoding="utf-8") as log:
        program = Program(options.untiled, options.threads, log)
        measured = kept(options.out / "rows" / "bench.json", bench_rows, program, options)
        rows = list(accuracy_rows(program, options))
    facts = {**facts, "batches": options.batches, "rates": options.rates, "seeds": options.seeds,
             "training_cohort_seed": TRAINING_SEED, "test_cohort_seed": TEST_SEED}
    write_results(options, facts, rows, measured)
    print((options.out / "table.md").read_text(encoding="utf-8"))


main()
