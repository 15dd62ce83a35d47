"""evaluate's scores against NumPy's, on masks and GeoJSON of known overlap."""

import json

from untiled_app import Image, main, np


def box(rows, cols, top, left, height, width):
    mask = np.zeros((rows, cols), np.uint8)
    mask[top:top + height, left:left + width] = 255
    return mask


def save(path, pixels):
    Image.fromarray(pixels).save(path)


def scores(reference, prediction):
    a, b = reference > 0, prediction > 0
    both, either = (a & b).sum(), (a | b).sum()
    return {"dice": 2 * both / (a.sum() + b.sum()), "iou": both / either,
            "precision": both / b.sum(), "recall": both / a.sum()}


def square(x, y, width, height):
    return {"type": "Polygon", "coordinates": [[[x, y], [x + width, y], [x + width, y + height],
                                                [x, y + height], [x, y]]]}


def check_several_classes(app, folder, findings):
    """Masks of several classes are compared without settings for training."""
    masks = folder / "two"
    masks.mkdir()
    save(folder / "two.png", np.full((300, 400, 3), 240, np.uint8))
    tumor = [box(300, 400, 50, 60, 100, 200), box(300, 400, 80, 60, 100, 150)]
    for path, mask in zip((folder / "two.ref.png", masks / "two.png.mask.png"), tumor):
        save(path, np.where(mask > 0, 1, 2).astype(np.uint8))
    manifest = folder / "two.csv"
    manifest.write_text("slide,mask\ntwo.png,two.ref.png\n")
    report = app.json("evaluate", "--masks", masks, "--manifest", manifest, "--set",
                      "data.classes=[{name: Tumor, value: 1}, {name: Stroma, value: 2}]")
    dice = report["slides"][0]["classes"]["Tumor"]["dice"]
    findings.expect(abs(dice - scores(*tumor)["dice"]) < 1e-12, f"Tumor: Dice {dice}")


def check(app, folder, findings):
    masks = folder / "masks"
    masks.mkdir()
    glass = np.full((300, 400, 3), 240, np.uint8)
    for name in ("a.png", "b.png", "empty.png", "without.png"):
        save(folder / name, glass)
    pairs = {"a.png": (box(300, 400, 50, 60, 100, 200), box(300, 400, 80, 60, 100, 150)),
             "b.png": (box(300, 400, 0, 0, 10, 10), box(300, 400, 0, 0, 300, 400))}
    for name, (reference, prediction) in pairs.items():
        save(masks / f"{name}.mask.png", prediction)
    save(folder / "a.ref.png", pairs["a.png"][0])
    (folder / "b.geojson").write_text(json.dumps(square(0, 0, 10, 10)))
    save(folder / "none.png", np.zeros((300, 400), np.uint8))
    save(masks / "empty.png.mask.png", np.zeros((300, 400), np.uint8))
    manifest = folder / "references.csv"
    manifest.write_text("slide,mask,split\na.png,a.ref.png,test\nb.png,b.geojson,test\n"
                        "empty.png,none.png,test\nwithout.png,,train\n")
    report = app.json("evaluate", "--masks", masks, "--manifest", manifest, "--out", folder / "out")
    found = {slide["slide_id"]: slide for slide in report["slides"]}
    findings.expect(list(found) == ["a.png", "b.png", "empty.png"], f"slides {list(found)}")
    expected = {name: scores(*pair) for name, pair in pairs.items()}
    for name, measures in expected.items():
        for measure, value in measures.items():
            ours = found[name]["classes"]["tissue"][measure]
            findings.expect(abs(ours - value) < 1e-12, f"{name} {measure}: {ours}, not {value}")
    findings.expect(found["empty.png"]["dice"] is None, "empty and empty has a Dice")
    mean = np.mean([measures["dice"] for measures in expected.values()])
    findings.expect(abs(report["mean"]["dice"] - mean) < 1e-12, "the mean skips undefined ones")
    joined = [np.concatenate([pair[i] for pair in pairs.values()]) for i in (0, 1)]
    findings.expect(abs(report["pooled"]["dice"] - scores(*joined)["dice"]) < 1e-12, "pooled")
    findings.expect(len(list((folder / "out" / "worst").iterdir())) == 3, "worst cases")
    (masks / "b.png.mask.png").unlink()
    some = app.run("evaluate", "--masks", masks, "--manifest", manifest)
    findings.expect(some.returncode == 4 and "b.png" in some.stderr, f"a lost mask: {some.stderr}")
    for arguments in ((), ("--masks", folder / "nowhere"), ("--masks", masks, "--split", "val")):
        code = app.run("evaluate", "--manifest", manifest, *arguments).returncode
        findings.expect(code == 2, f"evaluate {arguments}: exit {code}")
    check_several_classes(app, folder, findings)


main(check)
