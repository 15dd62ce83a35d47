"""Textures learned from GeoJSON alone, what Ignore* and Region* keep out, and reading it back."""

import gzip
import json
import uuid

from untiled_app import (MPP, Image, files_of, main, np, results_of, tifffile, write_settings)

ROWS, COLS = 1000, 1200
WANTED = 0.95
STEPS = 150
NAMES = ("Background", "Stroma", "Tumor")
VALUES = (5, 0, 2)
CLASSES = [{"name": name, "value": value, "color": color} for name, value, color in
           zip(NAMES, VALUES, ([230, 230, 230], [150, 200, 150], [200, 0, 0]))]
IGNORED = 255
TRAINING, TESTING = (1, 2, 3, 4), (11, 12)


# Geometry: rings are lists of (x, y); areas are lists of polygons, which are lists of rings.

def wobbly(random, x, y, radius, corners=48):
    """A closed outline around a point."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    wave = sum(random.uniform(0, 0.09) * np.sin(k * angle + random.uniform(0, 6.3))
               for k in (2, 3, 5))
    points = np.stack([x + radius * (1 + wave) * np.cos(angle),
                       y + radius * (1 + wave) * np.sin(angle)], 1)
    return [tuple(point) for point in np.round(points, 2).tolist()]


def box(left, top, right, bottom):
    return [[[(left, top), (right, top), (right, bottom), (left, bottom)]]]


def ellipse_outline(x, y, rx, ry, corners=16):
    """The coarse polygon that stands for an ellipse in a file."""
    angle = np.arange(corners) * 2 * np.pi / corners
    return [tuple(p) for p in np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)]


def inside(area):
    """Which pixels' centres an area holds, by the even-odd rule."""
    toggles = np.zeros((ROWS, COLS + 1), np.int32)
    centres = np.arange(ROWS) + 0.5
    for ring in (ring for polygon in area for ring in polygon):
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
            rows = np.flatnonzero((ay <= centres) != (by <= centres))
            cuts = ax + (centres[rows] - ay) / (by - ay) * (bx - ax) if len(rows) else rows
            cols = np.clip(np.ceil(cuts - 0.5), 0, COLS).astype(int)
            np.add.at(toggles, (rows, cols), 1)
    return np.cumsum(toggles, 1)[:, :COLS] % 2 == 1


def inside_ellipse(x, y, rx, ry):
    rows, cols = np.mgrid[0:ROWS, 0:COLS] + 0.5
    return ((cols - x) / rx) ** 2 + ((rows - y) / ry) ** 2 < 1


# Scenes: what is where on a slide, and how somebody would have drawn it.

class Scene:
    """Stroma with a gap, nests of tumor on and beside it, some of them with a lumen."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)

        def jitter():
            return random.uniform(-40, 40)

        self.stroma = [[wobbly(random, 380 + jitter(), 330 + jitter(), 290),
                        wobbly(random, 470 + jitter() / 2, 400 + jitter() / 2, 75)],
                       [wobbly(random, 900 + jitter(), 750 + jitter(), 210)]]
        self.nest = [[wobbly(random, 300 + jitter() / 2, 220 + jitter() / 2, 130)]]
        self.ring = [[wobbly(random, 270 + jitter(), 760 + jitter(), 185),
                      wobbly(random, 270 + jitter() / 4, 760 + jitter() / 4, 70)]]
        self.ellipse = (900.25 + round(jitter()), 280.5 + round(jitter()), 170.6, 140.3)
        self.classes = self.paint()

    def paint(self):
        """Class of each pixel: tumor counts where it lies on stroma."""
        classes = np.zeros((ROWS, COLS), np.uint8)
        classes[inside(self.stroma)] = 1
        for part in (inside(self.nest), inside(self.ring), inside_ellipse(*self.ellipse)):
            classes[part] = 2
        return classes

    def features(self):
        """Tumor first in the file, so that the settings' order and not the file's must count."""
        x, y, rx, ry = self.ellipse
        return [feature("Tumor", self.nest), feature("Tumor", self.ring),
                feature("Tumor", [[ellipse_outline(x, y, rx, ry)]], isEllipse=True),
                feature("Stroma", self.stroma)]


def texture(kind, random):
    """Deviation from the mean colour: none, fibres or nuclei, with a phase of their own."""
    y, x = np.mgrid[0:ROWS, 0:COLS]
    drift = 4 * np.sin(x / 61 + random.uniform(0, 6)) + 4 * np.cos(y / 53 + random.uniform(0, 6))
    if kind == 0:
        return np.zeros((ROWS, COLS))
    if kind == 1:
        return 26 * np.sign(np.sin((x + 2 * y + drift) / 3.4))
    dots = np.sin((x + drift) / 2.6) * np.sin((y - drift) / 2.9) > 0.35
    return np.where(dots, -66.0, 15.0)


def draw(classes, seed):
    """Pixels whose colours alone do not tell the classes apart."""
    random = np.random.default_rng(100 + seed)
    colors = np.array([(228, 214, 220), (206, 168, 190), (166, 128, 190)], float)
    image = colors[classes] + random.uniform(-5, 5, 3)
    for kind in (1, 2):
        where = classes == kind
        image[where] += (texture(kind, random)[..., None] * (1.0, 1.0, 0.6))[where]
    image += random.normal(0, 24, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


# GeoJSON as QuPath writes it.

def geometry_of(area):
    closed = [[[list(p) for p in ring + ring[:1]] for ring in polygon] for polygon in area]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed[0]}
    return {"type": "MultiPolygon", "coordinates": closed}


def feature(name, area, **geometry):
    text = f"{name} {area}"
    return {"type": "Feature", "id": str(uuid.uuid5(uuid.NAMESPACE_OID, text)),
            "geometry": {**geometry_of(area), **geometry},
            "properties": {"objectType": "annotation",
                           "classification": {"name": name, "color": [200, 0, 0]},
                           "isLocked": False, "measurements": {"Area px^2": 1.5}}}


def point(name):
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [600.5, 500.5]},
            "properties": {"objectType": "annotation", "classification": {"name": name}}}


def old_form(item):
    """The same annotation as QuPath before 0.4 wrote it, with its key that occurs twice."""
    old = json.loads(json.dumps(item))
    old["id"] = "PathAnnotationObject"
    old["properties"]["classification"].pop("color")
    old["properties"]["classification"]["colorRGB"] = -3670016
    old["properties"]["measurements"] = []
    return old


def collection(features):
    return {"type": "FeatureCollection", "features": features}


def write_geojson(path, document):
    text = json.dumps(document)
    text = text.replace('"isLocked": false', '"metadata": {"a": "1"}, "metadata": {"b": "2"}')
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


WHOLE = box(-20, -30.5, COLS + 15, ROWS + 40)  # Some draw beyond the edge.
PART = box(60.25, 40, 1130, 960.75)
FRAME = [WHOLE[0] + PART[0]]  # The whole without the part.
EVERYWHERE = np.ones((ROWS, COLS), bool)


def annotated(scene, number):
    """What one person drew on a training slide, its file's ending, and where it has weight."""
    if number == 1:  # A part is annotated; the rest of the slide bears wrong classes.
        features = [feature("Region*", PART), feature("Tumor", FRAME), *scene.features()]
        return collection(features), ".geojson", inside(PART)
    if number == 2:  # The background is drawn too; one tumor has the old form, a point is skipped.
        first, *others = scene.features()
        features = [old_form(first), point("Tumor"), *others, feature("Background", WHOLE)]
        return collection(features), ".geojson.gz", EVERYWHERE
    if number == 3:  # A wrong annotation lies under one to ignore.
        smear = box(640, 120, COLS + 60, 400)
        features = [*scene.features(), feature("Background", WHOLE), feature("Stroma", smear),
                    feature("Tumor", box(700, 150, 1000, 200)), feature("Ignore*", smear)]
        return features, ".geojson", EVERYWHERE & ~inside(smear)
    left, right = box(0, 0, 560, ROWS), box(540.5, 100, COLS, 930)  # Two regions that overlap.
    features = [feature("Region 1", left), feature("Region*", right), *scene.features()]
    return collection(features), ".geojson", inside(left) | inside(right)


# Scores of our own.

def scores(reference, prediction, weighted):
    """Dice, precision and recall of each class over the weighted pixels."""
    measures = {}
    for index, name in enumerate(NAMES):
        a, b = (reference == index)[weighted], (prediction == index)[weighted]
        both, drawn, found = (a & b).sum(), a.sum(), b.sum()
        measures[name] = {"dice": 2 * both / max(1, drawn + found),
                          "precision": both / max(1, found), "recall": both / max(1, drawn)}
    return measures


def mean_dice(measures):
    return float(np.mean([measure["dice"] for measure in measures.values()]))


def farthest(found, expected):
    """The largest difference between the program's scores and ours."""
    return max(abs((found[name][measure] or 0.0) - value)
               for name, measures in expected.items() for measure, value in measures.items())


def perturbed(classes, seed):
    """A prediction that is wrong in places, so that its scores tell which pixels count."""
    random = np.random.default_rng(seed)
    wrong = random.random(classes.shape) < 0.3
    return np.where(wrong, random.integers(0, 3, classes.shape, np.uint8), classes)


def save_mask(path, classes):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(VALUES, np.uint8)[classes]).save(path)


def load_mask(path):
    lookup = np.full(256, IGNORED, np.uint8)
    lookup[list(VALUES)] = range(len(VALUES))
    with Image.open(path) as png:
        return lookup[np.asarray(png)]


# The checks.

def write_manifest(path, rows):
    path.write_text("\n".join(["slide,mask,split", *(",".join(row) for row in rows)]) + "\n")
    return path


def settings(path, manifest, **sections):
    data = {"manifest": str(manifest), "slides": [], "classes": CLASSES, "cache": "auto"}
    sections.setdefault("labels", {"method": "mask"})
    return write_settings(path, [], data=data, **sections)


def by_slide(report):
    return {slide["slide_id"]: slide for slide in report["slides"]}


def draw_slides(folder):
    scenes = {seed: Scene(seed) for seed in (*TRAINING, *TESTING)}
    for seed, scene in scenes.items():
        tifffile.imwrite(folder / f"s{seed}.tif", draw(scene.classes, seed), tile=(256, 256),
                         photometric="rgb", compression="zlib",
                         resolution=(1e4 / MPP, 1e4 / MPP), resolutionunit="CENTIMETER")
    return scenes


def check_colors(folder, scenes, findings):
    """The task is one: the nearest mean colour of a single pixel does not solve it."""
    for seed in TESTING:
        pixels = tifffile.imread(folder / f"s{seed}.tif").astype(float)
        classes = scenes[seed].classes
        means = [pixels[classes == index].mean(0) for index in range(3)]
        nearest = np.argmin([((pixels - mean) ** 2).sum(-1) for mean in means], 0)
        dice = mean_dice(scores(classes, nearest, EVERYWHERE))
        findings.expect(dice < 0.75, f"s{seed}: colours alone reach Dice {dice}")


def check_labels(app, folder, scenes, findings):
    """Each pixel of the annotations has the class and the weight that was drawn.

    An ellipse that is rebuilt as a fine polygon may miss a pixel or two: hence 1e-5.
    """
    rows, expected = [], {}
    for number in TRAINING:
        classes = scenes[number].classes
        document, ending, weighted = annotated(scenes[number], number)
        write_geojson(folder / f"s{number}{ending}", document)
        rows.append((f"s{number}.tif", f"s{number}{ending}", "train"))
        wrong = perturbed(classes, number)
        save_mask(folder / "wrong" / f"s{number}.tif.mask.png", wrong)
        expected[f"s{number}.tif"] = scores(classes, wrong, weighted)
        save_mask(folder / "right" / f"s{number}.tif.mask.png",
                  np.where(weighted, classes, (classes + 1) % 3))
    manifest = write_manifest(folder / "train.csv", rows)
    yaml = settings(folder / "labels.yaml", manifest)
    arguments = ("evaluate", "--manifest", manifest, "--config", yaml, "--masks")
    result = app.run(*arguments, folder / "wrong", "--json")
    skipped = [line for line in result.stderr.splitlines() if "left out 1 point" in line]
    findings.expect(len(skipped) == 1 and "s2.geojson.gz" in skipped[0], f"point: {skipped}")
    other = by_slide(json.loads(result.stdout))
    right = by_slide(app.json(*arguments, folder / "right"))
    for name, ours in expected.items():
        error = farthest(other[name]["classes"], ours)
        findings.expect(error < 1e-5, f"{name}: scores of its annotations differ by {error}")
        dice = right[name]["dice"]
        findings.expect(dice > 1 - 1e-5, f"{name}: Dice {dice} of what was drawn")
    return rows


def train(app, folder, rows):
    manifest = write_manifest(folder / "slides.csv", rows)
    yaml = settings(
        folder / "textures.yaml", manifest, seed=3, augment={"flip": True, "stain": 0.0},
        streaming={"tile": 512},
        train={"steps": STEPS, "validate_every": 0, "checkpoint_every": STEPS,
               "optimizer": {"name": "adam", "learning_rate": 0.02},
               "schedule": {"name": "one_cycle"}})
    app.succeed("train", yaml, "--out", folder / "run")
    return folder / "run/checkpoints/last.safetensors"


def check_learned(app, folder, scenes, model, findings):
    """On slides of other seeds, by the program and by the exported masks."""
    rows = []
    for seed in TESTING:
        save_mask(folder / f"s{seed}.png", scenes[seed].classes)
        rows.append((f"s{seed}.tif", f"s{seed}.png", "test"))
    manifest = write_manifest(folder / "test.csv", rows)
    report = app.json("evaluate", "--checkpoint", model, "--manifest", manifest)
    app.succeed("export", "--checkpoint", model, "--level", 0, "--format", "png,geojson",
                "--tolerance", 0, "--out", folder / "masks",
                *(folder / f"s{seed}.tif" for seed in TESTING))
    found, ours = by_slide(report), []
    for seed in TESTING:
        prediction = load_mask(folder / "masks" / f"s{seed}.tif.mask.png")
        expected = scores(scenes[seed].classes, prediction, EVERYWHERE)
        ours.append(mean_dice(expected))
        slide = found[f"s{seed}.tif"]
        error = farthest(slide["classes"], expected)
        findings.expect(error < 1e-12, f"s{seed}: evaluate and the exported mask differ by {error}")
        print(f"s{seed}: Dice {ours[-1]:.4f},", ", ".join(
            f"{name} {measure['dice']:.4f}" for name, measure in expected.items()))
        findings.expect(slide["dice"] >= WANTED, f"s{seed}: evaluate says Dice {slide['dice']}")
        findings.expect(ours[-1] >= WANTED, f"s{seed}: Dice {ours[-1]} of the exported mask")
    findings.expect(report["mean"]["dice"] >= WANTED, f"mean Dice {report['mean']['dice']}")


def check_read_back(app, folder, findings):
    """An exported GeoJSON is an annotation, and says of each pixel what the exported PNG says."""
    rows = [(f"s{seed}.tif", f"masks/s{seed}.tif.geojson", "train") for seed in TESTING]
    manifest = write_manifest(folder / "back.csv", rows)
    yaml = settings(folder / "back.yaml", manifest, train={"steps": 1},
                    labels={"method": "mask", "unannotated": "background"})
    arguments = ("evaluate", "--manifest", manifest, "--config", yaml, "--masks")
    same, expected = by_slide(app.json(*arguments, folder / "masks")), {}
    for seed in TESTING:
        exported = load_mask(folder / "masks" / f"s{seed}.tif.mask.png")
        wrong = perturbed(exported, seed)
        save_mask(folder / "back" / f"s{seed}.tif.mask.png", wrong)
        expected[f"s{seed}.tif"] = scores(exported, wrong, EVERYWHERE)
    other = by_slide(app.json(*arguments, folder / "back"))
    for name, ours in expected.items():
        dice = {c: measures["dice"] for c, measures in same[name]["classes"].items()}
        findings.expect(dice == dict.fromkeys(NAMES, 1.0), f"{name} read back: Dice {dice}")
        error = farthest(other[name]["classes"], ours)
        findings.expect(error < 1e-12, f"{name} read back: scores differ by {error}")
    app.succeed("train", yaml, "--out", folder / "back" / "run")


def trained_on(app, folder, scenes, kept_out, corner_class, frame_class):
    """Three steps on slides of which a corner and a frame bear these classes, kept out or not."""
    folder.mkdir(parents=True)
    corner = box(560, 380, 1050, 900)
    rows = []
    for number in TRAINING[:2]:
        features = [*scenes[number].features(), feature("Background", WHOLE),
                    feature(corner_class, corner), feature(frame_class, FRAME)]
        features += [feature(name, {"Region*": PART, "Ignore*": corner}[name]) for name in kept_out]
        write_geojson(folder / f"s{number}.geojson", collection(features))
        rows.append((f"{folder.parents[1]}/s{number}.tif", f"s{number}.geojson", "train"))
    yaml = settings(folder / "hidden.yaml", write_manifest(folder / "slides.csv", rows))
    app.succeed("train", yaml, "--out", folder / "run")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    return results_of(folder / "run"), summary["weights_hash"]


def check_hidden(app, folder, scenes, findings):
    """Classes under Ignore* and outside Region* change no bit; where either is missing they do."""
    for number, kept_out in enumerate((["Region*", "Ignore*"], ["Region*"], ["Ignore*"], [])):
        place = folder / f"hidden{number}"
        one, hash_one = trained_on(app, place / "a", scenes, kept_out, "Tumor", "Stroma")
        two, hash_two = trained_on(app, place / "b", scenes, kept_out, "Stroma", "Tumor")
        findings.expect(set(one) == set(two) and len(one) > 3, f"{kept_out}: files {set(one)}")
        differing = [name for name in one if one[name] != two.get(name)]
        if len(kept_out) == 2:
            findings.expect(hash_one == hash_two, "hidden classes change the weights' hash")
            findings.expect(not differing, f"hidden classes change {differing}")
        else:
            findings.expect(hash_one != hash_two, f"only {kept_out}: the same hash")
            for name in ("metrics.csv", "checkpoints/last.safetensors"):
                findings.expect(name in differing, f"only {kept_out}: {name} is the same")


def check_unknown_class(app, folder, scenes, findings):
    """A class that the settings do not name stops a training before it writes anything."""
    place = folder / "unknown"
    place.mkdir()
    good = collection([*scenes[1].features(), feature("Background", WHOLE)])
    bad = collection([*good["features"], feature("Necrosis", box(10, 10, 60, 50))])
    write_geojson(place / "good.geojson", good)
    write_geojson(place / "doubtful.geojson", bad)
    for split in ("train", "val"):
        manifest = write_manifest(place / f"{split}.csv", [
            ("../s1.tif", "good.geojson", "train"), ("../s2.tif", "doubtful.geojson", split)])
        yaml = settings(place / f"{split}.yaml", manifest)
        result = app.run("train", yaml, "--out", place / split)
        findings.expect(result.returncode in (2, 3), f"{split}: exit {result.returncode}")
        for word in ("Necrosis", "doubtful.geojson", *NAMES):
            findings.expect(word in result.stderr, f"{split}: no {word} in {result.stderr!r}")
        findings.expect(not files_of(place / split), f"{split}: {list(files_of(place / split))}")
    (place / "doubtful.geojson").write_bytes((place / "good.geojson").read_bytes())
    app.succeed("train", place / "val.yaml", "--set", "train.steps=1", "--out", place / "val")


def check(app, folder, findings):
    scenes = draw_slides(folder)
    check_colors(folder, scenes, findings)
    rows = check_labels(app, folder, scenes, findings)
    model = train(app, folder, rows)
    check_learned(app, folder, scenes, model, findings)
    check_read_back(app, folder, findings)
    check_hidden(app, folder, scenes, findings)
    check_unknown_class(app, folder, scenes, findings)


main(check)
