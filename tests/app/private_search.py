"""Looks for names in every byte of a folder's files, however they are packed."""

import base64
import json
import re
import sys
import zlib

from untiled_app import files_of

try:
    import imagecodecs
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

MOST = 1 << 26


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
