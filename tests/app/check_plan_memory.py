"""plan's predicted memory against what a training run took: three networks, two budgets, 64 Mpx."""

import json

from untiled_app import Image, main, np, write_settings, write_slide

SIDE = 8000
LIMIT = 0.20
MIB = 1 << 20
CLASSES = [{"name": name, "value": value} for value, name in enumerate(("glass", "pink", "blue"))]


def three_classes(folder, slides):
    """Settings of a network of three classes, with masks of stripes for both slides."""
    lines = ["slide,mask,split"]
    for slide, (rows, cols), split in zip(slides, ((SIDE, SIDE), (700, 600)), ("train", "val")):
        mask = folder / f"{slide.stem}.png"
        Image.fromarray(np.broadcast_to(np.arange(cols, dtype=np.uint8) // 40 % 3,
                                        (rows, cols)).copy()).save(mask)
        lines.append(f"{slide.name},{mask.name},{split}")
    manifest = folder / "classes.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return {"labels": {"method": "mask"},
            "data": {"slides": [], "manifest": str(manifest), "classes": CLASSES}}


def check_budget(app, folder, slides, name, parts, budget, findings):
    data = {"validation": [str(slides[1])]} | parts.get("data", {})
    if "manifest" in data:
        data.pop("validation")
    yaml = write_settings(
        folder / f"{name}-{budget}.yaml", slides[:1], data=data,
        **{key: value for key, value in parts.items() if key != "data"},
        train={"steps": 2, "loss": "bce", "validate_every": 0},
        augment={"flip": False, "stain": 0.0}, memory_budget=budget)
    plan = app.json("plan", yaml)
    app.succeed("train", yaml, "--out", folder / f"{name}-{budget}")
    summary = json.loads((folder / f"{name}-{budget}" / "summary.json").read_text())
    predicted, used = plan["predicted_peak_bytes"], summary["budget_used_bytes"]
    print(f"{name}, {budget}: predicted {predicted / MIB:.0f} MiB, used {used / MIB:.0f} MiB, "
          f"{100 * (predicted / used - 1):+.1f} %, "
          f"peak resident {summary['peak_rss_bytes'] / MIB:.0f} MiB, "
          f"{summary['schedule']}, stores {', '.join(plan['stored'])}", flush=True)
    findings.expect(abs(predicted - used) <= LIMIT * used,
                    f"{name}, {budget}: predicted {predicted}, used {used}")
    findings.expect(max(predicted, used) <= plan["memory_budget"],
                    f"{name}: predicted {predicted}, used {used}, above the budget of {budget}")


def check(app, folder, findings):
    large, small = folder / "large.tif", folder / "small.tif"
    app.succeed("synth", "--size", f"{SIDE}x{SIDE}", "--seed", 1, "--out", large)
    write_slide(small)
    slides = (large, small)
    networks = {"default": {}, "three classes": three_classes(folder, slides),
                "wide": {"model": {"widths": [2, 4, 8, 16, 32]}}}
    for name, parts in networks.items():
        for budget in ("512MiB", "4GiB"):
            check_budget(app, folder, slides, name, parts, budget, findings)


main(check)
