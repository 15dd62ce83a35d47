"""A headless browser: opens a file at a width and tells what a reader would meet."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

from untiled_app import Image

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
if PROGRAM is None:
    print("SKIPPED: no chromium")
    sys.exit(77)

TIMEOUT_S = 60
LINKS = ("src", "srcset", "href", "xlink:href", "data", "poster", "action", "background")
PHONE = 700  # Below this the page is shown as on a phone, whose zoom follows the viewport tag.

# Pictures are loaded at once, whether lazy or not. A box may scroll sideways where its scroll bar
# is in sight: it is no taller than the window.
MEASURE = """(async () => {
  const pictures = [...document.images], root = document.documentElement, broken = [];
  for (const picture of pictures) picture.loading = 'eager';
  for (const picture of pictures) {
    try { await picture.decode(); } catch (error) { }
    if (!(picture.naturalWidth > 0)) broken.push(picture.src.slice(0, 60));
  }
  const inside = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) ||
                            inside(e.parentElement));
  const name = e => e.tagName + ' ' + e.textContent.slice(0, 40);
  const all = [...document.body.querySelectorAll('*')];
  const past = all.filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !inside(e));
  const cut = all.filter(e => getComputedStyle(e).overflowX === 'hidden' &&
                              e.scrollWidth > e.clientWidth + 1);
  const sideways = all.filter(e => /auto|scroll/.test(getComputedStyle(e).overflowX) &&
    e.scrollWidth > e.clientWidth + 1 && e.offsetHeight > innerHeight);
  return {window: innerWidth, width: root.scrollWidth, pictures: pictures.length, broken,
          past: past.slice(0, 5).map(name), cut: cut.slice(0, 5).map(name),
          sideways: sideways.map(e => `${e.className}: ${e.scrollWidth} in ${e.clientWidth}`)};
})()"""


class Browser:
    """One tab, driven over a pipe; `events` are those since the last open()."""

    def __init__(self, folder):
        theirs, self.send_to = os.pipe()
        self.read_from, back = os.pipe()
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank")
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{back}', "bash", PROGRAM, *flags],
            pass_fds=(theirs, back), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(back)
        self.unread, self.last, self.session, self.events = bytearray(), 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.send_to)  # The browser ends with its pipe.
        os.close(self.read_from)
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()

    def message(self):
        """The next one from the browser."""
        until, searched = time.monotonic() + TIMEOUT_S, 0
        while (end := self.unread.find(b"\0", searched)) < 0:
            searched = len(self.unread)
            ready, _, _ = select.select([self.read_from], [], [],
                                        max(0.0, until - time.monotonic()))
            data = os.read(self.read_from, 1 << 20) if ready else b""
            assert data, "the browser has ended" if ready else "the browser does not answer"
            self.unread += data
        first = bytes(self.unread[:end])
        del self.unread[:end + 1]
        return json.loads(first)

    def call(self, method, **parameters):
        self.last += 1
        request = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.send_to, data):]
        while (answer := self.message()).get("id") != self.last:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        return answer["result"]

    def run(self, script):
        """The value of JavaScript."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                           returnByValue=True)
        assert "exceptionDetails" not in answer, f"{script[:60]}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def open(self, page, width, height=800, scheme="light"):
        """Loads a file in a window of so many CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < PHONE)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events = []
        answer = self.call("Page.navigate", url=Path(page).resolve().as_uri())
        assert "errorText" not in answer, f"{page}: {answer['errorText']}"
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.message())

    def click(self, element):
        """A mouse click on the middle of what a JavaScript expression names."""
        spot = self.run(f"(e => {{ e.scrollIntoView({{block: 'center'}});"
                        " const b = e.getBoundingClientRect();"
                        " return {x: b.x + b.width / 2, y: b.y + b.height / 2} })"
                        f"({element})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def errors(self):
        """Exceptions and what the console shows as wrong since open()."""
        found = []
        for event in self.events:
            method, facts = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = facts["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            elif method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
                found.append(facts["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "assert"):
                found.append(str([a.get("value", a.get("description")) for a in facts["args"]]))
        return found

    def requests(self):
        """What was asked of a disk or a network since open(), the page itself too."""
        asked = [e["params"]["request"]["url"] for e in self.events
                 if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith("data:")]

    def measure(self):
        """Widths, pictures and what does not fit of the open page, errors and requests."""
        found = self.run(MEASURE)
        return {**found, "errors": self.errors(), "requests": self.requests()}


class References(HTMLParser):
    """Collects every address in a page, and its styles."""

    def __init__(self):
        super().__init__()
        self.found, self.styles, self.tag = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        self.found += [f"{name}={value}" for name, value in attrs if name in LINKS]
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_data(self, data):
        if self.tag == "style":
            self.styles.append(data)


def external_references(page):
    """Addresses in a page that are neither in it nor data."""
    parser = References()
    parser.feed(Path(page).read_text(encoding="utf-8"))
    own = tuple(f"{name}={start}" for name in LINKS for start in ("data:", "#"))
    found = [link for link in parser.found if not link.startswith(own)]
    for style in parser.styles:
        found += [part[:60] for part in style.split("url(")[1:]
                  if not part.lstrip("\"' ").startswith(("data:", "#"))]
        found += ["@import"] * style.count("@import")
    return found


def expect_fit(browser, page, width, folder, findings):
    """Opens a page; nothing is wider than the window, missing, or wrong in the console.

    Returns what was measured. The screenshot stays in the folder.
    """
    browser.open(page, width)
    picture = folder / f"{page.parent.name}-{width}.png"
    browser.screenshot(picture)
    colors = Image.open(picture).convert("RGB").getcolors(1 << 24)
    found, name = browser.measure(), f"{page.name} at {width}"
    findings.expect(found["window"] == width, f"{name}: the window is {found['window']} wide")
    findings.expect(found["width"] <= width, f"{name}: {found['width']} wide: {found['past']}")
    findings.expect(not found["past"], f"{name}: out of sight: {found['past']}")
    findings.expect(not found["cut"], f"{name}: cut off: {found['cut']}")
    findings.expect(not found["sideways"],
                    f"{name}: a tall box scrolls sideways: {found['sideways']}")
    findings.expect(not found["errors"], f"{name}: errors: {found['errors'][:5]}")
    findings.expect(found["requests"] == [page.resolve().as_uri()],
                    f"{name}: asks for {found['requests'][:5]}")
    findings.expect(found["pictures"] > 0, f"{name}: no picture")
    findings.expect(not found["broken"], f"{name}: {len(found['broken'])} broken pictures: "
                    f"{found['broken'][:3]}")
    findings.expect(len(colors) > 30, f"{name}: blank, {len(colors)} colours")
    return found
