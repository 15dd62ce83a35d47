"""scripts/load_checkpoint.py in PyTorch gives the probabilities that export writes.

Needs torch beside the readers of scripts/requirements-oracle.txt, which leave it out.
"""

import sys

from untiled_app import ROOT, main, np, tifffile, write_settings, write_slide

try:
    import torch  # noqa: F401
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)
sys.path.insert(0, str(ROOT / "scripts"))
import load_checkpoint  # noqa: E402


def compare(app, folder, findings, name, **sections):
    slide = folder / "slide.tif"
    yaml = write_settings(folder / f"{name}.yaml", [slide], train={"steps": 2}, **sections)
    run = folder / name
    app.succeed("train", yaml, "--out", run)
    checkpoint = run / "checkpoints" / "last.safetensors"
    app.succeed("export", "--checkpoint", checkpoint, "--level", 0, "--format", "probability",
                "--probability-type", "float32", "--out", folder / f"{name}-out", slide)
    ours = tifffile.imread(folder / f"{name}-out" / "slide.tif.probability.tif")
    network, facts = load_checkpoint.load(checkpoint)
    theirs = load_checkpoint.probabilities(network, facts, tifffile.imread(slide, key=0))
    error = np.abs(np.squeeze(theirs) - ours).max()
    findings.expect(error <= 1e-5, f"{name}: PyTorch differs by {error}")


def check(app, folder, findings):
    write_slide(folder / "slide.tif", 613, 507)
    compare(app, folder, findings, "usual")
    compare(app, folder, findings, "wide", model={"widths": [4, 6], "stride": 4, "down_kernel": 9})


main(check)
