"""plan's predicted memory against what a training run took, at 64 Mpx and for two budgets."""

import json
import time

from untiled_app import main, write_settings, write_slide

SIDE = 8000
LIMIT = 0.20
MIB = 1 << 20


def check_budget(app, folder, slides, budget, findings):
    yaml = write_settings(
        folder / f"{budget}.yaml", slides[:1], data={"validation": [str(slides[1])], "queue": "16MiB"},
        train={"steps": 6, "loss": "bce", "validate_every": 0},
        augment={"flip": False, "stain": 0.0}, streaming={"tile": 512}, memory_budget=budget)
    plan = app.json("plan", yaml)
    begin = time.monotonic()
    app.succeed("train", yaml, "--out", folder / budget)
    seconds = time.monotonic() - begin
    summary = json.loads((folder / budget / "summary.json").read_text())
    predicted, used = plan["predicted_peak_bytes"], summary["budget_used_bytes"]
    limit = plan["memory_budget"]
    parts = {name: plan[f"{name}_bytes"] / MIB for name in ("stored", "tile", "reading")}
    print(f"{budget}: predicted {predicted / MIB:.0f} MiB "
          f"({', '.join(f'{name} {value:.0f}' for name, value in parts.items())}), "
          f"used {used / MIB:.0f} MiB, {100 * (predicted / used - 1):+.1f} %, "
          f"peak resident {summary['peak_rss_bytes'] / MIB:.0f} MiB, "
          f"stores {', '.join(plan['stored'])}, {seconds:.1f} s in all, "
          f"{summary['seconds_per_step']:.1f} s a step", flush=True)
    findings.expect(abs(predicted - used) <= LIMIT * used,
                    f"{budget}: predicted {predicted}, used {used}")
    findings.expect(predicted <= limit, f"{budget}: predicted {predicted} is above the budget")
    findings.expect(used <= limit, f"{budget}: used {used} is above the budget")


def check(app, folder, findings):
    large, small = folder / "large.tif", folder / "small.tif"
    app.succeed("synth", "--size", f"{SIDE}x{SIDE}", "--seed", 1, "--out", large)
    write_slide(small)
    for budget in ("512MiB", "4GiB"):
        check_budget(app, folder, (large, small), budget, findings)


main(check)
