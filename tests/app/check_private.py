"""--deidentify: no byte of what a run or a batch writes holds a name, a path or the host."""

import base64
import json
import platform
import re
import signal
import sys
import time
import zlib

from untiled_app import Image, files_of, main, metric_rows, np, write_settings, write_slide

try:
    import imagecodecs
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

MOST = 1 << 26
FORMATS = "png,ome-tiff,tiff,geojson,preview"


def unpacked(data):
    """Every zlib, gzip and zstd stream that begins anywhere in `data`, and every base64 text."""
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", data):
        stream = zlib.decompressobj(47)
        try:
            yield stream.decompress(data[start.start():], MOST)
        except zlib.error:
            continue
    for start in re.finditer(rb"\x28\xb5\x2f\xfd", data):
        try:
            yield imagecodecs.zstd_decode(data[start.start():])
        except Exception:  # noqa: BLE001 (whatever the library calls a stream that is none)
            continue
    for text in re.finditer(rb";base64,([A-Za-z0-9+/=]+)", data):
        yield base64.b64decode(text.group(1))


def layers(data, depth=3):
    yield data
    if depth > 0:
        for inner in unpacked(data):
            yield from layers(inner, depth - 1)


def spellings(secret):
    yield secret.encode()
    yield secret.encode("utf-16-le")
    yield secret.encode("utf-16-be")
    yield json.dumps(secret)[1:-1].encode()


def search(folder, secrets, findings):
    for name, data in files_of(folder).items():
        for layer in layers(data):
            for secret in secrets:
                found = any(text in layer for text in spellings(secret)) or secret in name
                findings.expect(not found, f"{folder.name}/{name} holds {secret!r}")


def check_search(findings):
    """The search itself finds what is packed twice."""
    packed = b"IDAT" + zlib.compress(b"a;base64," + base64.b64encode(zlib.compress(b"..Meyer.." * 9)))
    findings.expect(any(b"Meyer" in layer for layer in layers(packed)), "the search sees nothing")
    zstd = imagecodecs.zstd_encode(b"..Meyer.." * 9)
    findings.expect(any(b"Meyer" in layer for layer in layers(b"tags" + zstd)), "zstd is not seen")


def inputs(folder):
    ward = folder / "Station-Zeppelin"
    slide, other = ward / "MRN-4711-Meyer.tif", ward / "Schulze-0815.tif"
    for i, path in enumerate((slide, other)):
        pixels = write_slide(path, 500 + 40 * i, 480, seed=i)
        mask = (pixels[..., 1] < 200).astype(np.uint8)
        Image.fromarray(mask).save(ward / f"Befund-Quandt-{i}.png")
    manifest = ward / "Kohorte-Ypsilon.csv"
    manifest.write_text("slide,mask,split,group\n"
                        "MRN-4711-Meyer.tif,Befund-Quandt-0.png,train,Xaver\n"
                        "Schulze-0815.tif,Befund-Quandt-1.png,val,Yvonne\n")
    return ward, slide, other, manifest


def check(app, folder, findings):
    check_search(findings)
    ward, slide, other, manifest = inputs(folder)
    secrets = ["Zeppelin", "Meyer", "MRN-", "Schulze", "Quandt", "Ypsilon", "Xaver", "Yvonne",
               "geheim", str(folder)]
    host = platform.node()
    if len(host) > 3 and host not in ("localhost", "debian"):
        secrets.append(host)
    yaml = write_settings(folder / "geheim.yaml", [slide], data={"validation": [str(other)]})
    run = folder / "run"
    app.succeed("train", yaml, "--deidentify", "--out", run)
    app.succeed("train", yaml, "--deidentify", "--resume", "--out", run, "--set", "train.steps=4")
    masks = folder / "masks.yaml"
    write_settings(masks, [], data={"manifest": str(manifest), "slides": []},
                   run={"scratch": str(ward)}, train={"steps": 2000})
    killed = folder / "killed"
    process = app.start("train", masks, "--deidentify", "--out", killed)
    while process.poll() is None and metric_rows(killed) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    checkpoint = run / "checkpoints/last.safetensors"
    broken = ward / "Broken-Zeppelin.svs"
    broken.write_bytes(b"II*\0nothing")
    app.run("label", "--deidentify", "--method", "robust", "--format", FORMATS, "--out",
            folder / "label", slide, other, broken)
    app.run("export", "--checkpoint", checkpoint, "--deidentify", "--format",
            FORMATS + ",probability", "--out", folder / "export", slide, other, broken)
    app.succeed("evaluate", "--checkpoint", checkpoint, "--manifest", manifest, "--deidentify",
                "--out", folder / "evaluation")
    for name in ("run", "killed", "label", "export", "evaluation"):
        findings.expect(files_of(folder / name), f"{name} wrote nothing")
        search(folder / name, secrets, findings)


main(check)
