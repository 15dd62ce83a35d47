"""Every verb with every kind of slide: files of the same pixels give the same tiles, masks, scores and weights,
whatever holds them, and every kind of mask that a verb writes is read."""

import csv
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import slide_formats as formats
from private_search import search
from slide_formats import zarr
from untiled_app import Image, draw_tissue, files_of, main, np, results_of, tifffile, write_settings

ROWS, COLS = 401, 523
SCALE = str(formats.MPP)
# One of each reader and each kind of store, for what takes a process a slide.
FEW = ("deflate.tif", "planes.ome.tif", "jpeg2000.svs", "dicom", "series.zarr", "shards.ome.zarr", "zlib-04.ome.zarr",
       "rows.tif", "image.png", "array.zarr")
MASKS = {"png": ".mask.png", "ome-tiff": ".ome.tif", "tiff": ".tif", "geojson": ".geojson",
         "ome-zarr": ".mask.ome.zarr", "ome-zarr-0.4": ".mask.ome.zarr"}
TILES = {"ome-zarr": ".ome.zarr", "ome-zarr-0.4": ".ome.zarr", "zarr": ".zarr", "ome-tiff": ".ome.tif", "tiff": ".tif"}
REGION = "31,57,300,222"


def read_tiles(path):
    """Level 0 of what tile wrote."""
    if path.suffix == ".tif":
        return tifffile.imread(path, key=0)
    node = zarr.open(str(path), mode="r")
    pixels = (node if isinstance(node, zarr.Array) else node["0"])[...]
    return pixels if pixels.shape[-1] == 3 else pixels.transpose(1, 2, 0)


def without_ids(path):
    """Annotations; their ids are made of the slide's name too."""
    collection = json.loads(path.read_text(encoding="utf-8"))
    for feature in collection["features"]:
        del feature["id"]
    return json.dumps(collection)


def content(path, name):
    """All bytes of an output, without the slide's name; of an OME-TIFF the pixels, for it has ids too."""
    if path.is_dir():
        return [(file, data.replace(name.encode(), b"name")) for file, data in sorted(files_of(path).items())]
    if path.name.endswith(".geojson"):
        return without_ids(path)
    return tifffile.imread(path, key=0).tobytes() if path.name.endswith(".ome.tif") else path.read_bytes()


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Matrix:
    """Slides in groups of equal pixels and levels, and what the checks share."""

    def __init__(self, app, folder, findings):
        self.app, self.folder, self.findings = app, folder, findings
        self.pixels = draw_tissue(ROWS, COLS, seed=3)
        self.levels = formats.pyramid_of(self.pixels)
        pyramids = formats.write_all(formats.PYRAMIDS, folder / "pyramids", self.levels)
        flat = formats.write_all(formats.FLAT, folder / "flat", [self.pixels])
        self.lossy = formats.write_all(formats.LOSSY, folder / "lossy", [self.pixels])
        self.slides = {**pyramids, **flat}
        self.groups = [list(pyramids), list(flat)]
        self.few = {name: self.slides[name] for name in FEW}
        self.few_groups = [[name for name in group if name in FEW] for group in self.groups]

    def expect(self, holds, text):
        return self.findings.expect(holds, text)

    def manifest(self, file, header, rows):
        path = self.folder / file
        path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
        return path

    def listed(self, slides, file="slides.csv"):
        return self.manifest(file, "slide,mpp,split", [(path, SCALE, "train") for path in slides.values()])

    def same(self, what, groups, read):
        """What `read` gives of each slide of a group is what it gives of the group's first."""
        for group in groups:
            first = read(group[0])
            others = [name for name in group[1:] if read(name) != first]
            self.expect(not others, f"{what}: {others} differ from {group[0]}")

    def same_outputs(self, what, groups, out, ending):
        self.same(f"{what}, *{ending}", groups, lambda name: content(out / (name + ending), name))

    def settings(self, name, manifest, steps, rate=1e-30, **sections):
        """With such a rate weights stay as they are, and each step has its slide's own loss and gradient."""
        sections.setdefault("data", {}).update(manifest=str(manifest), slides=[])
        train = {"steps": steps, "loss": "bce+dice", "validate_every": 0, "checkpoint_every": 1000,
                 "optimizer": {"name": "adam", "learning_rate": rate}}
        return write_settings(self.folder / f"{name}.yaml", [], augment={"flip": False, "stain": 0}, train=train,
                              run={"folder": str(self.folder / name), "scratch": str(self.folder)}, **sections)

    def train(self, name, manifest, slides, **sections):
        """Trains a step on each slide; the losses and gradients that occur."""
        self.app.succeed("train", self.settings(name, manifest, len(slides), **sections))
        run = self.folder / name
        scores = {row["slide"]: tuple(value for key, value in row.items() if key != "slide")
                  for row in rows_of(run / "validation.csv")}
        self.expect(set(scores) == set(slides), f"{name}: validated {sorted(scores)}")
        self.same(f"{name}, validation", [[n for n in group if n in slides] for group in self.groups], scores.get)
        # The first step begins with biases of 0 and not of 1e-30.
        return Counter((row["loss"], row["gradient_norm"]) for row in rows_of(run / "metrics.csv")[1:])


def check_tiles(m):
    """Pixels are those that were written, or that another decoder sees; filters and scales see the same of each."""
    everything = {**m.slides, **m.lossy}
    slides = m.listed(everything)
    m.app.succeed("tile", slides, "--format", "ome-zarr", "--out", m.folder / "tiles")
    for name, path in everything.items():
        expected = formats.decode(path) if name in m.lossy else m.pixels
        found = read_tiles(m.folder / "tiles" / f"{name}.ome.zarr")
        m.expect(np.array_equal(found, expected), f"{name}: other pixels")
        m.expect(np.abs(expected.astype(int) - m.pixels).mean() < 8, f"{name}: another picture")
    chain = ("tile", slides, "--filter", "macenko,gaussian:1", "--format", "zarr", "--chunk", 96)
    for flags in (("--mpp", 4), ("--mpp", 5.3, "--region", REGION)):
        out = m.folder / f"filtered-{flags[1]}"
        m.app.succeed(*chain, *flags, "--out", out)
        m.same_outputs(f"tile {flags}", m.groups, out, ".zarr")
    region = m.folder / "region"
    m.app.succeed("tile", slides, "--region", REGION, "--format", "zarr", "--out", region)
    x, y, width, height = map(int, REGION.split(","))
    for name in m.slides:
        found = read_tiles(region / f"{name}.zarr")
        m.expect(np.array_equal(found, m.pixels[y:y + height, x:x + width]), f"{name}: other pixels of the region")


def check_tiles_again(m):
    """What tile writes is a slide, of which tile writes the same once more."""
    name = "shards.ome.zarr"
    written = []
    for form, ending in TILES.items():
        first, second = m.folder / f"once-{form}", m.folder / f"twice-{form}"
        once, twice = first / (name + ending), second / (name + ending + ending)
        m.app.succeed("tile", m.slides[name], "--format", form, "--chunk", 128, "--out", first)
        m.app.succeed("tile", once, "--format", form, "--chunk", 128, "--out", second)
        m.expect(content(once, name) == content(twice, once.name), f"tile of {once.name}, {form}: other files")
        m.expect(np.array_equal(read_tiles(once), m.pixels), f"tile to {form}: other pixels")
        written.append(once)
    facts = m.app.json("info", *written)["slides"]
    scales = [slide["mpp_x"] for slide in facts]
    m.expect(scales == [formats.MPP, formats.MPP, None, formats.MPP, formats.MPP], f"scales {scales}")


def check_beside(m):
    """Outputs that lie beside their slides are not taken for slides by the next run, whatever is a slide there."""
    folder = m.folder / "beside"
    folder.mkdir()
    for name in ("deflate.tif", "image.png"):
        shutil.copy(m.slides[name], folder)
    for name in ("dicom", "array.zarr"):
        shutil.copytree(m.slides[name], folder / name)
    for verb, form in (*(("tile", form) for form in TILES), ("label", ",".join(MASKS))):
        shutil.rmtree(folder / ".untiled", ignore_errors=True)
        m.app.succeed(verb, folder, "--format", form.removesuffix(",ome-zarr-0.4"), "--out", folder)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        names = [slide["slide_id"] for slide in report["slides"]]
        expected = ["array.zarr", "deflate.tif", "dicom", "image.png"]
        m.expect(names == expected, f"{verb} {form} beside slides did {names}")
        for slide in names:
            for output in folder.glob(f"{slide}.*"):
                shutil.rmtree(output) if output.is_dir() else output.unlink()


def check_labels(m):
    slides = m.listed(m.slides)
    for flags in (("--method", "robust"), ("--method", "otsu", "--mpp", 4)):
        out = m.folder / f"labels-{flags[1]}"
        m.app.succeed("label", slides, *flags, "--format", "png,ome-tiff,tiff,geojson,ome-zarr,preview", "--out", out)
        for ending in (*MASKS.values(), ".preview.png"):
            m.same_outputs(f"label {flags}", m.groups, out, ending)
        shares = [(np.asarray(Image.open(out / f"{group[0]}.mask.png")) > 0).mean() for group in m.groups]
        m.expect(all(0.2 < share < 0.7 for share in shares), f"label {flags}: shares of tissue {shares}")


def check_levels(m):
    """A level is the same wherever it is kept, and where there is none, that is said of each slide."""
    slides = m.listed(m.slides)
    for verb, form, ending in (("label", "png", ".mask.png"), ("tile", "zarr", ".zarr")):
        out = m.folder / f"level-{verb}"
        result = m.app.run(verb, slides, "--level", 1, "--format", form, "--out", out)
        m.expect(result.returncode == 4, f"{verb} --level 1: exit {result.returncode}")
        m.same_outputs(f"{verb} --level 1", m.groups[:1], out, ending)
        for row in rows_of(out / "report.csv"):
            refused = row["slide_id"] in m.groups[1]
            m.expect((row["status"] == "failed") == refused and ("no level 1" in row["reason"]) == refused,
                     f"{verb} --level 1: {row['slide_id']} is {row['status']}: {row['reason']}")
    for name in m.groups[0]:
        m.expect(np.array_equal(read_tiles(m.folder / "level-tile" / f"{name}.zarr"), m.levels[1]),
                 f"{name}: other pixels of level 1")
    for name in m.groups[1][:1]:
        settings = m.settings("no-level", m.listed({name: m.slides[name]}, "one.csv"), 1, data={"level": 1})
        result = m.app.run("train", settings)
        m.expect(result.returncode == 3 and f"{name} has no level 1" in result.stderr, f"train: {result.stderr[-300:]}")


def check_training(m):
    """Losses, gradients and scores, however pixels are kept and whatever stains the network sees."""
    slides = m.listed(m.slides)
    losses = {}
    for cache, stain in (("none", "none"), ("ram", "macenko"), ("disk", "none")):
        losses[cache, stain] = m.train(f"train-{cache}-{stain}", slides, m.slides,
                                       data={"cache": cache, "stain": {"method": stain}})
        m.expect(len(losses[cache, stain]) == 1, f"train, {cache}, {stain}: {losses[cache, stain]}")
    m.expect(losses["none", "none"] == losses["disk", "none"] != losses["ram", "macenko"], f"losses by cache: {losses}")
    coarse = m.train("train-mpp", slides, m.slides, data={"mpp": 4.7})  # Made of level 1 where there is one.
    m.expect(len(coarse) == 2 and not coarse.keys() & losses["none", "none"].keys(), f"train at 4.7 um: {coarse}")


def train_and_resume(m, name):
    """A run of two steps that goes on to four, and one of four."""
    results = []
    for steps in ((2, 4), (4,)):
        run = f"resume-{steps[0]}-{name}"
        settings = m.settings(run, m.listed({name: m.slides[name]}, f"{run}.csv"), steps[0], rate=1e-2, threads=1)
        m.app.succeed("train", settings, "--set", "augment.flip=true", "--set", "train.validate_every=2")
        for more in steps[1:]:
            m.app.succeed("train", settings, "--set", "augment.flip=true", "--set", "train.validate_every=2", "--set",
                          f"train.steps={more}", "--resume")
        kept = results_of(m.folder / run)
        results.append([kept["metrics.csv"], kept["checkpoints/last.safetensors"]])
    return results


def check_weights(m):
    """Weights byte for byte, also of a run that was resumed."""
    with ThreadPoolExecutor(2) as pool:
        runs = dict(zip(FEW, pool.map(lambda name: train_and_resume(m, name), FEW)))
    for name, (resumed, whole) in runs.items():
        m.expect(resumed == whole, f"{name}: a resumed run has other weights")
    m.same("weights", [FEW], lambda name: runs[name][1])
    return m.folder / "resume-4-dicom" / "checkpoints" / "last.safetensors"


def check_prediction(m, checkpoint):
    """Masks and probabilities from a checkpoint, and its scores."""
    slides = m.listed(m.slides)
    threshold = ("--threshold", 0.5)
    for flags, endings in ((("--format", "png,geojson,probability,probability-ome-zarr"),
                            (".mask.png", ".geojson", ".probability.tif", ".probability.ome.zarr")),
                           (("--format", "png,probability", "--mpp", 5.3), (".mask.png", ".probability.tif"))):
        out = m.folder / f"export-{len(flags)}"
        m.app.succeed("export", slides, "--checkpoint", checkpoint, *threshold, *flags, "--out", out)
        for ending in endings:
            m.same_outputs(f"export {flags}", m.groups, out, ending)
    truth = m.folder / "labels-robust"
    references = m.manifest("references.csv", "slide,mask,mpp", [
        (path, truth / f"{name}.mask.png", SCALE) for name, path in m.slides.items()])
    scores = m.app.json("evaluate", "--checkpoint", checkpoint, "--manifest", references)["slides"]
    dice = {slide["slide_id"]: slide["dice"] for slide in scores}
    m.same("evaluate --checkpoint", m.groups, dice.get)
    m.expect(len(dice) == len(m.slides) and None not in dice.values(), f"evaluate: {dice}")


def write_masks(m, checkpoint):
    """Those of each verb, format and slide; export's formats in folders of their own."""
    slides = m.listed(m.few, "few.csv")
    folders = {}
    for forms in ("png,ome-tiff,tiff,geojson,ome-zarr", "ome-zarr-0.4"):
        out = m.folder / f"masks-label-{forms[:3]}"
        m.app.succeed("label", slides, "--format", forms, "--tolerance", 0, "--out", out)
        folders.update({("label", form): out for form in forms.split(",")})
    for form in MASKS:
        out = folders["export", form] = m.folder / f"masks-export-{form}"
        m.app.succeed("export", slides, "--checkpoint", checkpoint, "--format", form, "--tolerance", 0, "--out", out)
    return {(verb, form, name): out / (name + MASKS[form]) for (verb, form), out in folders.items() for name in FEW}


def check_masks(m, checkpoint):
    """What label and export write in any format teaches the same, and scores 1 beside what it is."""
    masks = write_masks(m, checkpoint)
    for verb in ("label", "export"):
        losses = Counter()
        for turn in range(2):  # Each slide with two formats, each format with slides of several kinds.
            forms = dict(zip(FEW, (list(MASKS)[(i + 3 * turn) % len(MASKS)] for i in range(len(FEW)))))
            rows = [(path, masks[verb, forms[name], name], SCALE, "train") for name, path in m.few.items()]
            references = m.manifest(f"masks-{verb}.csv", "slide,mask,mpp,split", rows)
            losses += m.train(f"taught-{verb}-{turn}", references, m.few, labels={"method": "mask"})
        m.expect(len(losses) == 1, f"masks of {verb}: losses {losses}")
    references = m.manifest("masks.csv", "slide,mask,mpp", [
        (path, masks["export", "png", name], SCALE) for name, path in m.few.items()])
    for form in MASKS:
        scores = m.app.json("evaluate", "--masks", m.folder / f"masks-export-{form}", "--manifest", references)
        m.expect(all(slide["dice"] == 1 for slide in scores["slides"]), f"masks as {form} beside PNG: {scores}")


def check_regions(m, checkpoint):
    """Rows of a manifest that name a part."""
    region = f'"{REGION}"'
    slides = m.manifest("regions.csv", "slide,mpp,split,region", [(p, SCALE, "train", region) for p in m.few.values()])
    losses = m.train("regions", slides, m.few)
    m.expect(len(losses) == 1, f"regions: losses {losses}")
    truth = m.folder / "masks-export-png"
    references = m.manifest("region-references.csv", "slide,mask,mpp,region", [
        (path, truth / f"{name}.mask.png", SCALE, region) for name, path in m.few.items()])
    dice = set()
    for form, ending in MASKS.items():
        out = m.folder / f"region-masks-{form}"
        m.app.succeed("export", slides, "--checkpoint", checkpoint, "--format", form, "--tolerance", 0, "--out", out)
        m.same_outputs("export of regions", m.few_groups, out, ending)
        scores = m.app.json("evaluate", "--masks", out, "--manifest", references)["slides"]
        dice |= {slide["dice"] for slide in scores}
    m.expect(len(dice) == 1 and min(dice) > 0.9, f"masks of regions beside those of slides: {dice}")
    check_labels_of_regions(m)


def check_labels_of_regions(m):
    """label makes masks of whole slides, also where a row names a part of half its size."""
    name, path = next(iter(m.few.items()))
    masks = m.folder / "masks-label-png"
    for region in (f"0,50,{COLS // 2},{ROWS // 2}", REGION):
        row = (path, masks / f"{name}.mask.png", SCALE, f'"{region}"')
        references = m.manifest("labels-of-regions.csv", "slide,mask,mpp,region", [row])
        scores = m.app.json("evaluate", "--masks", masks, "--manifest", references)["slides"]
        m.expect(scores[0]["dice"] == 1, f"labels beside themselves in {region}: {scores}")


def check_facts(m):
    """info, plan, verify and bench read."""
    facts = {slide["path"]: slide for slide in m.app.json("info", *m.slides.values(), *m.lossy.values())["slides"]}
    unknown = {"image.png", "opaque.png", "array.zarr", "planar-array.zarr", "sharded-array.zarr", "array-2.zarr",
               "image.jpg", "image420.jpg"}
    for name, path in {**m.slides, **m.lossy}.items():
        slide = facts[str(path)]
        sizes = [(level["height"], level["width"]) for level in slide["levels"]]
        expected = [level.shape[:2] for level in (m.levels if name in m.groups[0] else m.levels[:1])]
        m.expect(sizes == expected, f"{name}: levels {sizes}")
        m.expect(slide["mpp_x"] == (None if name in unknown else formats.MPP), f"{name}: {slide['mpp_x']} um")
    plans = m.app.json("plan", m.folder / "train-none-none.yaml")
    m.expect({(plan["rows"], plan["columns"]) for plan in plans} == {(ROWS, COLS)}, f"plans of one shape: {plans}")

    def verified(name):
        result = m.app.run("verify", "--slide", m.slides[name], "--size", "200x150", "--set", "threads=1")
        read = m.app.run("bench", "read", m.slides[name], "--region", 200, "--threads", 1)
        return result.returncode, read.returncode

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(FEW, pool.map(verified, FEW)))
    for name, (verify, read) in found.items():
        m.expect(verify == 0 and read == 0, f"{name}: verify ended with {verify}, bench read with {read}")


def check_classifier(m):
    labels = {name: "ab"[i % 2] for i, name in enumerate(FEW)}
    slides = m.manifest("classes.csv", "slide,mpp,split,label", [
        (path, SCALE, "train", labels[name]) for name, path in m.few.items()])
    settings = m.settings("classes", slides, len(FEW), data={"labels": ["a", "b"]},
                          model={"kind": "resnet", "depth": 10, "width": 2})
    m.app.succeed("train", settings, "--set", "train.loss=cross_entropy")
    losses = Counter(row["loss"] for row in rows_of(m.folder / "classes" / "metrics.csv"))
    m.expect(len(losses) == 2, f"a classifier's losses: {losses}")
    checkpoint = m.folder / "classes" / "checkpoints" / "last.safetensors"
    m.app.succeed("evaluate", "--checkpoint", checkpoint, "--manifest", slides, "--out", m.folder / "judged")
    odds = {row["slide_id"]: row["probability_a"] for row in rows_of(m.folder / "judged" / "predictions.csv")}
    m.same("a classifier's probabilities", [FEW], odds.get)
    m.app.succeed("export", slides, "--checkpoint", checkpoint, "--out", m.folder / "maps")
    m.same_outputs("a classifier's maps", [FEW], m.folder / "maps", ".a.probability.tif")


def write_named(m):
    """Slides whose names and metadata name somebody."""
    folder = m.folder / "Station-Zeppelin"
    text = "Meyer MRN-4711"
    kinds = {f"Meyer-{name}": {**formats.PYRAMIDS, **formats.FLAT}[name] for name in FEW}
    for name, kind in kinds.items():
        takes_name = kind[0] not in (formats.write_png, formats.write_array)
        levels = m.levels if name.removeprefix("Meyer-") in m.groups[0] else m.levels[:1]
        formats.write_all({name: kind}, folder, levels, **({"name": text} if takes_name else {}))
    return folder, {name: folder / name for name in kinds}


def check_private(m, checkpoint):
    """No output names anybody, and masks are found again by their slides' names and by hashes."""
    folder, slides = write_named(m)
    rows = [(path.name, SCALE, "train", "Xaver") for path in slides.values()]
    listed = m.manifest("Station-Zeppelin/Kohorte.csv", "slide,mpp,split,group", rows)
    hidden = ("--deidentify", "--out")
    out = m.folder / "hidden"
    m.app.succeed("label", listed, "--format", "png,ome-tiff,tiff,geojson,ome-zarr,preview", *hidden, out / "label")
    m.app.succeed("export", listed, "--checkpoint", checkpoint, "--format", "png,probability-ome-zarr", *hidden,
                  out / "export")
    for form in TILES:
        m.app.succeed("tile", listed, "--format", form, "--chunk", 256, *hidden, out / f"tile-{form}")
    settings = m.settings("Zeppelin", listed, 2, data={"cache": "disk"})
    m.app.succeed("train", settings, *hidden, out / "train")
    m.app.succeed("train", settings, "--resume", "--set", "train.steps=3", *hidden, out / "train")
    m.app.succeed("label", listed, "--format", "ome-zarr", "--out", m.folder / "named")
    references = m.manifest("Station-Zeppelin/Referenz.csv", "slide,mask,mpp", [
        (path.name, m.folder / "named" / f"{path.name}.mask.ome.zarr", SCALE) for path in slides.values()])
    for masks in (m.folder / "named", out / "label"):
        for number, flags in enumerate(((), ("--deidentify",))):
            scored = out / f"scores-{masks.name}" if flags else m.folder / f"scores-{masks.name}-{number}"
            scores = m.app.json("evaluate", "--masks", masks, "--manifest", references, *flags, "--out", scored)
            m.expect([slide["dice"] for slide in scores["slides"]] == [1] * len(slides),
                     f"masks in {masks.name}, {flags}: {scores}")
    m.expect(len(list((out / "label").glob("*.mask.png"))) == len(slides), "a slide without a mask")
    for part in sorted(out.iterdir()):
        search(part, ("Meyer", "MRN-", "Zeppelin", "Kohorte", "Xaver"), m.findings)


def check(app, folder, findings):
    m = Matrix(app, folder, findings)
    check_tiles(m)
    check_tiles_again(m)
    check_beside(m)
    check_labels(m)
    check_levels(m)
    check_training(m)
    checkpoint = check_weights(m)
    check_prediction(m, checkpoint)
    check_masks(m, checkpoint)
    check_regions(m, checkpoint)
    check_facts(m)
    check_classifier(m)
    check_private(m, checkpoint)


main(check)
