"""The pages of a batch of 1,000 slides and of a training run in a real browser, at three widths."""

import csv

from headless import Browser, expect_fit, external_references
from untiled_app import Image, main, np, write_settings, write_slide

SLIDES = 1000
WIDTHS = (360, 768, 1400)
TIFFS = 60  # These have a scale.
LONG = "x" * 160 + ".png"
MARKUP = ("<b>&\"'.png", "\"><svg onload=injected=1>.png", "<img src=x onerror=injected=1>.png",
          "' onmouseover='injected=1.png", "&lt;i&gt;.png", "größe 5 µm.png", LONG)
BAD = ("cut.png", "empty.svs", "folder.svs", "text.svs", "noise.tif", "missing.svs",
       "<i onclick=injected=1>&.svs")
COLUMNS = {"slide": 0, "status": 1, "tissue %": 2, "area mm²": 3, "pieces": 4, "confidence": 5,
           "width × height": 6, "µm per pixel": 7, "remarks": 8}

# What a reader sees: the texts of the table and of the sheet.
TABLE = """[...document.querySelectorAll('tbody tr')].map(r => [...r.cells].map(
  c => c.textContent))"""
CARDS = """[...document.querySelectorAll('.card')].map(c => ({
  name: c.querySelector('b').textContent, title: c.title, kind: c.className}))"""
FOREIGN = """[...document.body.querySelectorAll('svg, i, b b, img:not([src^="data:"]), [onload],'
  + '[onerror], [onclick], [onmouseover]')].map(e => e.outerHTML.slice(0, 60))"""
UNNAMED = """[...document.querySelectorAll('td.n')].filter(c => c.textContent && c.offsetWidth &&
  /^(none|normal|"")$/.test(getComputedStyle(c, '::before').content)).length"""
ARIA = "[...document.querySelectorAll('th')].map(h => h.getAttribute('aria-sort'))"


def draw(path, seed):
    """Glass with up to twelve dark pieces; every tenth slide is blank."""
    random = np.random.default_rng(seed)
    rows, cols = 60 + seed % 50, 80 + seed % 37
    image = random.integers(236, 246, (rows, cols, 3)).astype(np.uint8)
    for i in range(seed % 13 if seed % 10 else 0):
        y, x = 4 + 14 * (i // 4), 4 + 19 * (i % 4)
        image[y:y + 8, x:x + 12] = random.integers(110, 150, (8, 12, 3))
    Image.fromarray(image).save(path)


def make_slides(folder):
    """Slides and a list of them; one in the list is missing."""
    folder.mkdir()
    good = [*MARKUP, *(f"slide{i}.png" for i in range(SLIDES - TIFFS - len(BAD) - len(MARKUP)))]
    for i, name in enumerate(good):
        draw(folder / name, i + 1)
    tiffs = [f"scaled{i}.tif" for i in range(TIFFS)]
    for i, name in enumerate(tiffs):
        write_slide(folder / name, 100 + 7 * i, 120, seed=i, mpp=0.25 * (1 + i % 9))
    (folder / BAD[0]).write_bytes((folder / "slide5.png").read_bytes()[:2000])
    (folder / BAD[1]).write_bytes(b"")
    (folder / BAD[2]).mkdir()
    (folder / BAD[3]).write_text("no slide\n" * 50)
    (folder / BAD[4]).write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / BAD[6]).write_text("no slide")
    with open(folder / "list.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["slide"], *([name] for name in (*good, *tiffs, *BAD))])
    return folder / "list.csv"


def shown(value, digits, factor=1):
    return f"{float(value) * factor:.{digits}f}" if value else ""


def expected_row(row):
    """The cells that a row of report.csv must show."""
    size = f"{row['width']} × {row['height']}" if row["width"] else ""
    remarks = [row[key] for key in ("reason", "warnings", "confidence_reasons") if row[key]]
    return [row["slide_id"], row["status"], shown(row["tissue_fraction"], 1, 100),
            shown(row["area_mm2"], 2), shown(row["objects"], 0), shown(row["confidence"], 2),
            size, shown(row["mpp_x"], 4), "; ".join(remarks)]


def check_rows(browser, rows, findings):
    """Every row and card shows what report.csv says, the urgent ones first."""
    table, cards = browser.run(TABLE), browser.run(CARDS)
    status = [cells[COLUMNS["status"]] for cells in table]
    ranks = [("failed", "empty", "ok").index(s) for s in status]
    findings.expect(len(table) == len(cards) == SLIDES, f"{len(table)} rows, {len(cards)} cards")
    findings.expect(ranks == sorted(ranks), "failures, then empty ones, do not come first")
    findings.expect(set(status[:len(BAD)]) == {"failed"} and set(ranks) == {0, 1, 2},
                    f"the first are {status[:len(BAD)]}")
    ours = {cells[0]: cells for cells in table}
    wrong = [(row, ours.get(row[0])) for row in map(expected_row, rows) if ours.get(row[0]) != row]
    findings.expect(not wrong, f"{len(wrong)} rows differ from report.csv: {wrong[:2]}")
    findings.expect([card["name"] for card in cards] == [cells[0] for cells in table],
                    "cards and rows have another order")
    findings.expect([card["title"] for card in cards] == [cells[-1] for cells in table],
                    "cards have other remarks")
    findings.expect([card["kind"] for card in cards] == [f"card {s}" for s in status],
                    "cards have another status")
    count = browser.run("document.images.length")
    pictured = sum(s != "failed" for s in status)
    findings.expect(count == pictured, f"{count} pictures of {pictured} slides that were read")
    counts = browser.run("[...document.querySelectorAll('.counts *')].map(e => e.textContent)")
    told = [f"{status.count(s)} {s}" for s in ("failed", "empty", "ok")]
    findings.expect(counts == told, f"it counts {counts}, not {told}")


def check_labels(browser, findings):
    """On a phone, where numbers do not stand under a header, each says what it is."""
    unnamed = browser.run(UNNAMED)
    findings.expect(unnamed == 0, f"on a phone {unnamed} numbers have no name beside them")


def check_markup(browser, page, findings):
    names = {cells[0] for cells in browser.run(TABLE)}
    findings.expect(names >= {*MARKUP, *BAD}, f"not shown: {({*MARKUP, *BAD} - names)}")
    foreign = browser.run(FOREIGN)
    findings.expect(not foreign, f"names became markup: {foreign[:3]}")
    browser.run("for (const e of document.querySelectorAll('td, .card, .card *'))"
                " for (const kind of ['click', 'mouseover']) e.dispatchEvent(new Event(kind))")
    findings.expect(browser.run("typeof injected") == "undefined", "a name was run as a script")
    external = external_references(page)
    findings.expect(not external, f"external references: {external[:3]}")


def values_of(column, table):
    """What the cells are ordered by; None where one is blank. Of the names only slide<N>.png."""
    texts = [cells[COLUMNS[column]] for cells in table]
    if column == "slide":
        return [int(text[5:-4]) for text in texts if text.startswith("slide")]
    if column in ("status", "remarks"):
        return [text or None for text in texts]
    return [np.prod([float(part) for part in text.split(" × ")]) if text else None
            for text in texts]


def in_order(column, values, down):
    """Blanks are last. Texts are only together: Python does not collate as a browser does."""
    kept = [value for value in values if value is not None]
    if not kept or values[:len(kept)] != kept:
        return False
    if column in ("status", "remarks"):
        return sum(a != b for a, b in zip(kept, kept[1:])) == len(set(kept)) - 1
    return kept == sorted(kept, reverse=down)


def check_sorting(browser, width, columns, findings):
    """Two clicks on a header: ascending, descending, and aria-sort says so."""
    before = sorted(browser.run(TABLE))
    for column in columns:
        orders = []
        for down, said in enumerate(("ascending", "descending")):
            browser.click(f"document.querySelectorAll('th')[{COLUMNS[column]}].firstChild")
            name = f"at {width}, {column} {said}"
            told = [said if other == column else None for other in COLUMNS]
            findings.expect(browser.run(ARIA) == told, f"{name}: aria-sort")
            table = browser.run(TABLE)
            findings.expect(sorted(table) == before, f"{name}: other rows")
            values = values_of(column, table)
            findings.expect(in_order(column, values, down), f"{name}: {values[:12]}")
            orders.append([value for value in values if value is not None])
        findings.expect(orders[0] == orders[1][::-1], f"at {width}, {column}: up and down differ")
        findings.expect(len(set(orders[0])) > 1 or column == "confidence",  # Otsu's is 1.
                        f"at {width}, {column}: nothing to order")


def check_training(app, folder, findings):
    """Curves and previews of each validation, at every width."""
    slide = folder / "train.tif"
    write_slide(slide, 500, 600)
    yaml = write_settings(folder / "train.yaml", [slide], train={"steps": 4, "validate_every": 2})
    app.succeed("train", yaml, "--out", folder / "run")
    page = folder / "run" / "report.html"
    with Browser(folder / "trainer") as browser:
        for width in WIDTHS:
            expect_fit(browser, page, width, folder, findings)
        steps = browser.run("[...document.querySelectorAll('figcaption')].map(e => e.textContent)")
        findings.expect(steps == ["step 2", "step 4"], f"previews of {steps}")
        parts = browser.run("[...document.querySelectorAll('td:first-child')].map(e => "
                            "e.textContent)")
        findings.expect({"step", "validation", "loss and backward"} <= set(parts),
                        f"time by part: {parts}")
        text = browser.run("document.body.textContent")
        findings.expect("step 4, loss" in text and "memory_budget" in text, "facts and settings")
    external = external_references(page)
    findings.expect(not external, f"external references: {external[:3]}")


def check(app, folder, findings):
    check_training(app, folder, findings)
    slides, out = make_slides(folder / "slides"), folder / "out"
    result = app.run("label", slides, "--method", "otsu", "--level", "0", "--format", "geojson",
                     "--set", "labels.min_object_um2=0", "--out", out)
    findings.expect(result.returncode == 4, f"exit {result.returncode}: {result.stderr[-500:]}")
    with open(out / "report.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    failed = {row["slide_id"] for row in rows if row["status"] == "failed"}
    findings.expect(failed == set(BAD), f"failed: {sorted(failed)}")
    page = out / "report.html"
    with Browser(folder / "browser") as browser:
        for width in WIDTHS:
            expect_fit(browser, page, width, folder, findings)
            check_rows(browser, rows, findings)
            if width == WIDTHS[0]:
                check_labels(browser, findings)
            if width != 768:
                columns = list(COLUMNS) if width > 768 else ["slide", "pieces"]
                check_sorting(browser, width, columns, findings)
        check_markup(browser, page, findings)
        findings.expect(not browser.errors(), f"errors after clicks: {browser.errors()[:5]}")


main(check)
