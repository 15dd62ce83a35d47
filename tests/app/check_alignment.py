"""Masks lie where the slide's pixels do, in either frame of coordinates and at any scale."""

import csv
import json
import struct
import sys

from untiled_app import REAL_SLIDES, Image, main, np, small_and_real, tifffile

try:
    import openslide
    import shapely
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

MPP = 0.5
TILE = 64
SLIDE = (1400, 1500)
BOUNDS = {"x": 256, "y": 512, "width": 1024, "height": 768}
GAP = (1024, 512)  # from here to the bounds' right, 256 pixels down, they lack data too
SHAPE = [(403, 605), (953, 605), (953, 971), (791, 1133), (403, 1133)]
ODD = (1525, 2033)
ORIGINS = ("qupath", "openslide")
FORMATS = ("--format", "png,ome-tiff,tiff,geojson")
UNCLEANED = [word for key in ("median_um", "min_hole_um2", "min_object_um2")
             for word in ("--set", f"labels.{key}=0")]
SHORT, LONG, RATIONAL = 3, 4, 5


# A slide of known tissue that lacks tiles.


def block_mean(image, factor):
    """Averages of factor x factor pixels; of fewer at the far edges."""
    if factor == 1:
        return image
    starts = [np.arange(0, size, factor) for size in image.shape[:2]]
    sums = image
    for axis, start in enumerate(starts):
        sums = np.add.reduceat(sums, start, axis, dtype=np.uint32)
    height, width = (np.minimum(factor, size - start) for size, start in zip(image.shape, starts))
    return np.round(sums / np.outer(height, width)[..., None]).astype(np.uint8)


def known_mask():
    """SHAPE on level 0: pixels whose centre lies inside."""
    x, y = np.meshgrid(np.arange(SLIDE[1]) + 0.5, np.arange(SLIDE[0]) + 0.5)
    shape = shapely.Polygon(SHAPE)
    shapely.prepare(shape)
    return shapely.contains_xy(shape, x.ravel(), y.ravel()).reshape(SLIDE)


def stained(mask):
    random = np.random.default_rng(0)
    color = np.where(mask[..., None], (176.0, 92.0, 138.0), (241.0, 238.0, 243.0))
    noise = np.where(mask[..., None], 12.0, 3.0) * random.normal(size=color.shape)
    return np.clip(color + noise, 0, 255).astype(np.uint8)


def has_data(x, y):
    right, bottom = BOUNDS["x"] + BOUNDS["width"], BOUNDS["y"] + BOUNDS["height"]
    within = BOUNDS["x"] <= x < right and BOUNDS["y"] <= y < bottom
    return within and (x < GAP[0] or y >= GAP[1] + 256)


def tiles_of(level, written, start):
    """Offsets, byte counts and bytes of a level's tiles; those without data are left out."""
    offsets, counts, data = [], [], bytearray()
    for y in range(0, level.shape[0], TILE):
        for x in range(0, level.shape[1], TILE):
            part = level[y:y + TILE, x:x + TILE]
            room = [(0, TILE - part.shape[0]), (0, TILE - part.shape[1]), (0, 0)]
            raw = np.pad(part, room).tobytes() if written(x, y) else b""
            offsets.append(start + len(data) if raw else 0)
            counts.append(len(raw))
            data += raw
    return offsets, counts, data


def tags_of(level, factor, offsets, counts):
    scale = (10**7, int(1000 * MPP * factor))
    return [(254, LONG, [int(factor > 1)]), (256, LONG, [level.shape[1]]),
            (257, LONG, [level.shape[0]]), (258, SHORT, [8, 8, 8]), (259, SHORT, [1]),
            (262, SHORT, [2]), (277, SHORT, [3]), (282, RATIONAL, scale), (283, RATIONAL, scale),
            (284, SHORT, [1]), (296, SHORT, [3]), (322, LONG, [TILE]), (323, LONG, [TILE]),
            (324, LONG, offsets), (325, LONG, counts)]


def append_directory(file, tags):
    """Adds an image file directory and the values that do not fit into it; returns its place."""
    entries = bytearray()
    for tag, kind, values in tags:
        value = struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(value) > 4:
            file += value
            value = struct.pack("<I", len(file) - len(value))
        count = 1 if kind == RATIONAL else len(values)
        entries += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    file += bytes(len(file) % 2)
    file += struct.pack("<H", len(tags)) + entries + bytes(4)
    return len(file) - len(entries) - 6


def write_pyramid(path, levels, has_data_at=lambda x, y: True):
    """A tiled TIFF; a tile whose corner has no data at level 0 has offset 0 and no bytes."""
    file, link = bytearray(b"II*\0\0\0\0\0"), 4
    for factor, level in levels.items():
        def written(x, y, by=factor):
            return has_data_at(x * by, y * by)
        offsets, counts, data = tiles_of(level, written, len(file))
        file += data
        place = append_directory(file, tags_of(level, factor, offsets, counts))
        struct.pack_into("<I", file, link, place)
        link = len(file) - 4
    path.write_bytes(file)


# What the program wrote, as others read it.


def polygons_of(path):
    collection = shapely.from_geojson(path.read_text(encoding="utf-8"))
    return shapely.get_parts(shapely.get_parts(collection))


def vertices_of(polygons):
    return shapely.get_coordinates(polygons)


def burn(polygons, shape, factor):
    """Pixels within upright borders; None where a border is not one of the mask's pixels."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    corners = corners / factor
    steps = np.diff(corners, axis=0)
    along = ring[:-1] == ring[1:]
    outside = (corners < 0) | (corners > shape[::-1])
    if (outside | (corners % 1 != 0)).any() or (steps[along] != 0).all(1).any():
        return None
    upright = along & (steps[:, 0] == 0)
    toggles = np.zeros((shape[0] + 1, shape[1] + 1), np.uint8)
    for ends in (corners[:-1][upright], corners[1:][upright]):
        np.add.at(toggles, tuple(ends.astype(int).T[::-1]), 1)
    inside = toggles.cumsum(0, dtype=np.uint8).cumsum(1, dtype=np.uint8) % 2 == 1
    return inside[:shape[0], :shape[1]]


def read_row(folder):
    with open(folder / "report.csv", newline="", encoding="utf-8") as file:
        return next(csv.DictReader(file))


def read_png(path):
    with Image.open(path) as png:
        return np.asarray(png) > 0, dict(png.text)


def read_tiff(path):
    """The mask and its scale, None where there is none."""
    with openslide.OpenSlide(str(path)) as slide:
        mask = np.asarray(slide.read_region((0, 0), 0, slide.dimensions))[..., 0] > 0
        return mask, [float(slide.properties[k]) if k in slide.properties else None
                      for k in ("openslide.mpp-x", "openslide.mpp-y")]


def read_ome(path):
    with tifffile.TiffFile(path) as tiff:
        xml = tifffile.xml2dict(tiff.ome_metadata)["OME"]
        pixels = xml["Image"]["Pixels"]
        notes = xml["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]
        origin = next(note["value"] for note in notes if note["K"] == "origin")
        unit = tiff.pages[0].tags["ResolutionUnit"].value
        return (tiff.series[0].asarray() > 0, origin, unit,
                [pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeY")])


class Labels:
    """Tissue by grey Otsu in four formats that must describe one mask."""

    def __init__(self, app, findings, slide, out, *options):
        options = ("--method", "otsu", *FORMATS, *UNCLEANED, "--tolerance", 0, *options)
        app.succeed("label", slide, *options, "--out", out)
        self.out = out
        self.row = read_row(out)
        self.mask, self.text = read_png(out / f"{slide.name}.mask.png")
        self.factor = int(self.text["untiled:downsample"])
        self.json = out / f"{slide.name}.geojson"
        self.polygons = polygons_of(self.json)
        self.tiff, self.tiff_mpp = read_tiff(out / f"{slide.name}.tif")
        self.ome, self.ome_origin, self.unit, self.ome_mpp = read_ome(out / f"{slide.name}.ome.tif")
        self.check(findings)

    def check(self, findings):
        name = self.out.name
        area = shapely.area(self.polygons).sum()
        burnt = burn(self.polygons, self.mask.shape, self.factor)
        findings.expect(self.mask.any() and not self.mask.all(), f"{name}: some of it is tissue")
        findings.expect(np.array_equal(self.tiff, self.mask), f"{name}: the TIFF is the PNG")
        findings.expect(np.array_equal(self.ome, self.mask), f"{name}: the OME-TIFF is the PNG")
        findings.expect(burnt is not None, f"{name}: borders run along the mask's pixels")
        findings.expect(np.array_equal(burnt, self.mask), f"{name}: the GeoJSON is the PNG")
        findings.expect(shapely.is_valid(self.polygons).all(), f"{name}: polygons are valid")
        findings.expect(area == self.mask.sum() * self.factor**2, f"{name}: none overlap")

    def expect_scale(self, findings, *mpp):
        """Micrometres per pixel of level 0, in x and y."""
        due = [self.factor * value for value in mpp]
        for kind, found in (("TIFF", self.tiff_mpp), ("OME-TIFF", self.ome_mpp)):
            near = None not in found and np.allclose(found, due, rtol=1e-6, atol=0)
            findings.expect(near, f"{self.out.name}: {kind} has {found} um per pixel, not {due}")


# Slides whose bounds begin within them.


def expect_openslide_bounds(slide, findings):
    with openslide.OpenSlide(str(slide)) as opened:
        for key, value in BOUNDS.items():
            found = opened.properties.get(f"openslide.bounds-{key}")
            findings.expect(found == str(value), f"OpenSlide's bounds-{key} is {found}")
        findings.expect(opened.dimensions == SLIDE[::-1], "OpenSlide's size is the whole slide's")


def frame_of(origin):
    """Left, top, width and height of what the masks cover."""
    return tuple(BOUNDS.values()) if origin == "qupath" else (0, 0, SLIDE[1], SLIDE[0])


def cut(image, x, y, width, height):
    return image[y:y + height, x:x + width]


def coverage(image, factor):
    """Pixels at 1/factor that are inside entirely, and those that are so in part."""
    rows, cols = (np.arange(0, size, factor) for size in image.shape)
    return [join.reduceat(join.reduceat(image, rows, 0), cols, 1)
            for join in (np.logical_and, np.logical_or)]


def expect_shape(labels, known, origin, findings):
    """The mask, its polygons and the report lie on the known shape, counted from the frame."""
    x, y, width, height = frame_of(origin)
    name, factor = labels.out.name, labels.factor
    size = (-(-height // factor), -(-width // factor))
    if findings.expect(labels.mask.shape == size, f"{name}: its size is the frame's"):
        inside, touched = coverage(cut(known, x, y, width, height), factor)
        findings.expect(labels.mask[inside].all(), f"{name}: all of the shape is tissue")
        findings.expect(not labels.mask[~touched].any(), f"{name}: nothing else is")
    moved = shapely.Polygon([(px - x, py - y) for px, py in SHAPE])
    off = shapely.hausdorff_distance(shapely.union_all(labels.polygons), moved)
    findings.expect(off <= factor, f"{name}: GeoJSON is {off:g} pixels off the shape")
    findings.expect(labels.text["untiled:origin"] == origin, f"{name}: the PNG says its origin")
    findings.expect(labels.ome_origin == origin, f"{name}: the OME-TIFF says its origin")
    said = (labels.row["origin_x"], labels.row["origin_y"])
    findings.expect(said == (str(x), str(y)), f"{name}: report.csv has the origin {said}")
    labels.expect_scale(findings, MPP, MPP)


def expect_shifted(within, whole, findings):
    """One frame's mask and vertices, shifted by the bounds, are the other's."""
    name, factor = whole.out.name, whole.factor
    corner = np.array((BOUNDS["x"], BOUNDS["y"]))
    moved = np.zeros_like(whole.mask)
    part = cut(moved, *(value // factor for value in BOUNDS.values()))
    if not findings.expect(part.shape == within.mask.shape, f"{name}: its size is the slide's"):
        return
    part[:] = within.mask
    findings.expect(np.array_equal(moved, whole.mask), f"{name}: the masks differ by the bounds")
    vertices = vertices_of(within.polygons) + corner
    same = np.array_equal(vertices, vertices_of(whole.polygons))
    findings.expect(same, f"{name}: the vertices differ by the bounds")


def dice_of(app, folder, slide, origin, masks, annotation):
    """By evaluate; -1 where that fails."""
    manifest = folder / "references.csv"
    manifest.write_text(f"slide,mask,split,mpp\n{slide},{annotation},test,{MPP}\n")
    result = app.run("evaluate", "--masks", masks, "--manifest", manifest, "--json",
                     "--set", f"data.origin={origin}")
    return json.loads(result.stdout)["slides"][0]["dice"] if result.returncode == 0 else -1


def shifted_dice(labels, x, y):
    """Of the mask and itself as seen from a corner that is x and y further off."""
    mask, moved = labels.mask, np.zeros_like(labels.mask)
    rows, cols = mask.shape
    moved[max(0, y):rows + min(0, y), max(0, x):cols + min(0, x)] = \
        mask[max(0, -y):rows + min(0, -y), max(0, -x):cols + min(0, -x)]
    return 2 * (mask & moved).sum() / (mask.sum() + moved.sum())


def expect_read_back(app, folder, slide, labels, findings):
    """An annotation is itself in its own frame, and off by the bounds in the other one."""
    for origin, own in labels.items():
        dice = dice_of(app, folder, slide, origin, own.out, own.json)
        findings.expect(dice == 1, f"{own.out.name}: Dice with its own GeoJSON is {dice}")
    if own.factor > 1:
        return
    for origin, other, sign in (("qupath", "openslide", 1), ("openslide", "qupath", -1)):
        dice = dice_of(app, folder, slide, origin, labels[origin].out, labels[other].json)
        due = shifted_dice(labels[origin], sign * BOUNDS["x"], sign * BOUNDS["y"])
        findings.expect(due < 0.5 and abs(dice - due) < 1e-12,
                        f"{origin} against GeoJSON of {other}: Dice {dice}, not {due}")


def check_bounds(app, folder, findings):
    slide, known = folder / "sparse.tiff", known_mask()
    image = stained(known)
    write_pyramid(slide, {d: block_mean(image, d) for d in (1, 2, 4)}, has_data)
    expect_openslide_bounds(slide, findings)
    for scale in (("--level", 0), ("--level", 2), ("--mpp", 1.5)):
        labels = {}
        for origin in ORIGINS:
            out = folder / f"sparse {scale[0][2:]} {scale[1]} {origin}"
            options = scale if origin == "qupath" else (*scale, "--origin", origin)
            labels[origin] = Labels(app, findings, slide, out, *options)
            expect_shape(labels[origin], known, origin, findings)
        if BOUNDS["x"] % labels["qupath"].factor == 0:
            expect_shifted(*labels.values(), findings)
        expect_read_back(app, folder, slide, labels, findings)


# Where the tissue of real slides is, found anew.


def slide_pixels(path):
    """Level 0; by tifffile what OpenSlide does not open."""
    try:
        with openslide.OpenSlide(str(path)) as slide:
            return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
    except openslide.OpenSlideError:
        return tifffile.imread(path)


def otsu_mask(pixels):
    """Darker than the grey level that leaves the least variance within two classes."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    dark, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    light = dark[-1] - dark
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / dark - (sums[-1] - sums) / light
        between = np.nan_to_num(dark * light * gap**2)
    return grey <= between.argmax()


def correlation(a, b):
    """Pearson's, of two masks."""
    n, both, in_a, in_b = (float(v) for v in (a.size, *map(np.count_nonzero, (a & b, a, b))))
    spread = (in_a * (n - in_a) * in_b * (n - in_b)) ** 0.5
    return (n * both - in_a * in_b) / spread if spread else 0.0


def best_shift(mask, other, shifts):
    """The (x, y) by which `other` lies beside the mask; None where two are as good."""
    reach = max(abs(v) for shift in shifts for v in shift)
    rows, cols = (size - 2 * reach for size in mask.shape)
    middle = cut(mask, reach, reach, cols, rows)
    found = sorted(((correlation(middle, cut(other, reach + x, reach + y, cols, rows)), (x, y))
                    for x, y in shifts), reverse=True)
    return found[0][1] if found[0][0] > found[1][0] else None


def enlarged(mask, factor, shape):
    return mask.repeat(factor, 0).repeat(factor, 1)[:shape[0], :shape[1]]


def check_scanner_slide(app, folder, findings, slide, *scale):
    labels = Labels(app, findings, slide, folder / " ".join(map(str, (slide.name, *scale))), *scale)
    text, pixels = labels.out.name, slide_pixels(slide)
    small = otsu_mask(block_mean(pixels, labels.factor))
    if not findings.expect(labels.mask.shape == small.shape, f"{text}: size {labels.mask.shape}"):
        return
    agree = (labels.mask == small).mean()
    findings.expect(agree > 0.97, f"{text}: only {agree:.4f} of the pixels are as found anew")
    shifts = [(x, y) for x in range(-3, 4) for y in range(-3, 4)]
    at = best_shift(labels.mask, small, shifts)
    findings.expect(at == (0, 0), f"{text}: off by {at} pixels")
    if labels.factor > 1:
        large = enlarged(labels.mask, labels.factor, pixels.shape)
        at = best_shift(large, otsu_mask(pixels), shifts)
        findings.expect(at is not None and max(map(abs, at)) < labels.factor / 2,
                        f"{text}: off by {at} pixels of level 0")
    if labels.row["mpp_x"]:
        labels.expect_scale(findings, *(float(labels.row[key]) for key in ("mpp_x", "mpp_y")))


def expect_aligned_far_edge(labels, pixels, findings):
    """At the right and at the bottom the mask lies on level 0's tissue, to a quarter of a pixel."""
    ours, other = enlarged(labels.mask, labels.factor, pixels.shape), otsu_mask(pixels)
    top, left = (size // 2 for size in ours.shape)
    reach = range(-28, 29)
    for edge, at in (
            ("right", best_shift(ours[:, left:], other[:, left:], [(x, 0) for x in reach])),
            ("bottom", best_shift(ours[top:], other[top:], [(0, y) for y in reach]))):
        findings.expect(at is not None and max(map(abs, at)) <= labels.factor / 4,
                        f"level 5: off by {at} pixels of level 0 at the {edge}")


def expect_multiples_of_32(app, slide, out, findings):
    """With simplified borders too."""
    app.succeed("label", slide, "--method", "otsu", "--level", 5, "--format", "geojson",
                "--out", out)
    vertices = vertices_of(polygons_of(out / f"{slide.name}.geojson"))
    findings.expect((vertices % 32 == 0).all(), "level 5: vertices are whole multiples of 32")


def check_odd_level(app, folder, findings, slide):
    """A sixth level of 63 x 47 pixels is 1/32 of 2033 x 1525, whatever their ratio is."""
    with openslide.OpenSlide(str(slide)) as opened:
        ratio = opened.level_downsamples[5]
    findings.expect(abs(ratio - 32.358) < 1e-3, f"OpenSlide's downsample of level 5 is {ratio}")
    level = app.json("info", slide)["slides"][0]["levels"][5]
    findings.expect(level["downsample"] == 32, f"info: level 5 is {level}")
    labels = Labels(app, findings, slide, folder / "level 5", "--level", 5)
    findings.expect(labels.text["untiled:downsample"] == "32", "level 5: the PNG says 32")
    findings.expect(labels.mask.shape == (48, 64), f"level 5: mask of {labels.mask.shape}")
    known = {"TIFF": labels.tiff_mpp, "OME-TIFF": labels.ome_mpp}
    findings.expect(labels.unit == 1 and set(sum(known.values(), [])) == {None},
                    f"level 5: no scale is known, files say {known}, unit {labels.unit}")
    vertices = vertices_of(labels.polygons)
    findings.expect((vertices % 32 == 0).all(), "level 5: exact vertices are multiples of 32")
    expect_multiples_of_32(app, slide, folder / "simple", findings)
    expect_aligned_far_edge(labels, slide_pixels(slide), findings)
    scaled = Labels(app, findings, slide, folder / "level 5 at 0.25", "--level", 5,
                    "--set", "data.assume_mpp=0.25")
    scaled.expect_scale(findings, 0.25, 0.25)
    findings.expect(scaled.tiff_mpp == [8, 8] == scaled.ome_mpp, "level 5: 8 um per pixel")


def odd_levels(image, kind):
    """Six levels of an image of odd size: the last pixels left out, or all squeezed into fewer."""
    levels = {1: image}
    for factor in (2, 4, 8, 16, 32):
        rows, cols = (size // factor for size in image.shape[:2])
        if kind == "cropped":
            levels[factor] = block_mean(image[:rows * factor, :cols * factor], factor)
        else:
            finer = Image.fromarray(levels[factor // 2])
            levels[factor] = np.asarray(finer.resize((cols, rows), Image.Resampling.BOX))
    return levels


def check_odd_sizes(app, folder, findings):
    """Masks at 1/32 lie on level 0, however the pyramid was made."""
    known = np.zeros(ODD, bool)
    known[288:896, 480:1184] = known[960:1440, 1280:1984] = True
    known[32:576, 2016:] = known[1504:, 320:960] = True  # what a cropped level 5 lacks
    inside, touched = coverage(known, 32)
    image = stained(known)
    for kind in ("cropped", "squeezed"):
        slide = folder / f"{kind}.tiff"
        write_pyramid(slide, odd_levels(image, kind))
        mask = Labels(app, findings, slide, folder / f"{kind} level 5", "--level", 5).mask
        if not findings.expect(mask.shape == inside.shape, f"{kind}: mask of {mask.shape}"):
            continue
        missed, false = inside & ~mask, mask & ~touched
        for place, part in (("within", np.s_[:-1, :-1]), ("last column", np.s_[:, -1:]),
                            ("last row", np.s_[-1:, :])):
            counts = (int(missed[part].sum()), int(false[part].sum()))
            findings.expect(counts == (0, 0), f"{kind} levels, {place}: {counts[0]} pixels of "
                            f"tissue missed, {counts[1]} of glass taken")


def check(app, folder, findings):
    check_bounds(app, folder, findings)
    check_odd_sizes(app, folder, findings)
    for names, *scales in ((("aperio.svs", "CMU-1-Small-Region.svs"), ("--level", 0), ("--mpp", 2)),
                           (("pyramid.tiff", "CropBreastSlide.tiff"), ("--level", 0), ("--level", 2)),
                           (("picture.ome.tif", "OS-2.ome.tif"), ("--level", 0), ("--mpp", 1))):
        for slide in small_and_real(*names):
            for scale in scales:
                check_scanner_slide(app, folder, findings, slide, *scale)
    odd = REAL_SLIDES / "CropBreastSlide.tiff"  # check_odd_sizes makes levels like its.
    if odd.exists():
        check_odd_level(app, folder, findings, odd)


main(check)
