"""A network trained on synthetic slides finds the tissue of synthetic slides with other seeds."""

import json

from untiled_app import main, write_settings

WANTED = 0.97
STEPS = 200
SIZE = "1024x1536"


def check(app, folder, findings):
    lines = ["slide,mask,split"]
    for seed in range(1, 7):
        app.succeed("synth", "--size", SIZE, "--seed", seed, "--out", folder / f"s{seed}.tif")
        split = "train" if seed <= 4 else "val"
        lines.append(f"s{seed}.tif,s{seed}.mask.png,{split}")
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    yaml = write_settings(
        folder / "synthetic.yaml", [], labels={"method": "mask"},
        data={"manifest": str(folder / "slides.csv"), "slides": [], "cache": "auto"},
        train={"steps": STEPS, "validate_every": 100, "checkpoint_every": 300,
               "loss": "bce+dice",
               "optimizer": {"name": "adam", "learning_rate": 1e-2},
               "schedule": {"name": "one_cycle"}},
        augment={"flip": False, "stain": 0.0}, seed=3)
    app.succeed("train", yaml, "--out", folder / "run")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    print(f"Dice {summary['best_dice']:.4f} at step {summary['best_step']}, "
          f"{summary['seconds_per_step']:.2f} s a step")
    findings.expect(summary["best_dice"] >= WANTED, f"Dice {summary['best_dice']}")


main(check)
