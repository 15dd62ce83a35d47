"""Robust labels of painted pictures that were hard for one reason each, beside their right masks."""

import sys

from untiled_app import ROOT, Image, main, np

sys.path.insert(0, str(ROOT / "scripts"))
from label_pictures import paint  # noqa: E402
from label_study import dice, labels_of  # noqa: E402

PICTURES = {
    "biopsies": (4001, 4002),  # JPEG took all noise from the glass: no padding, though of one colour
    "filled gaps": (3000, 4000),  # of one colour, and padding
    "scanned islands": (2000, 3003),
    "frosted end": (2001,),
    "ringed by a pen": (2004, 4001, 4003),  # the pen's colour is the section's
    "writing": (3004, 5000),  # likewise
    "crossed by a pen": (4004,),  # thin, and compressed
    "slide in view": (4000, 4001),  # paper that is rougher than the glass
    "capture area": (4003, 5001, 5002),  # tissue hides a frame's side, or runs over all of it
    "crumbs": (4002, 4004),  # smudges larger than the biopsies
    "mounting medium": (2000,),
}
LEAST = 0.94


def check(app, folder, findings):
    truths = {}
    for kind, seeds in PICTURES.items():
        for seed in seeds:
            picture, truths[name := f"{kind.replace(' ', '-')}-{seed}"] = paint(kind, seed)
            Image.fromarray(picture).save(folder / f"{name}.png")
    masks, _ = labels_of(app.program, "robust", folder, list(truths), folder / "labels")
    for name, truth in truths.items():
        findings.expect(dice(masks[name], np.asarray(truth) > 0) > LEAST, f"{name}: {dice(masks[name], truth > 0):.3f}")


main(check)
