"""Training, export and evaluate over pixels that nvImageCodec decodes: where its pixels are the host's, so is every byte
of a run, a mask and a score."""

import json

from check_tile_cuda import has_module, write_jpegs
from untiled_app import main, outputs_of, results_of, write_settings

PLAIN = {"augment": {"flip": False, "stain": 0}, "data": {"assume_mpp": 0.5}, "threads": 1}


def draw(app, folder):
    """A slide of ours, with halved chroma, and one of small tiles whose colours nothing in them names."""
    drawn = folder / "drawn.tif"
    app.succeed("synth", "--size", "1100x1300", "--mpp", 0.5, "--seed", 3, "--out", drawn)
    return [drawn, *(slide for slide in write_jpegs(folder) if slide.stem == "jpegrgb")]


def train(app, yaml, run, *settings):
    flags = [word for setting in settings for word in ("--set", setting)]
    app.succeed("train", yaml, "--out", run, *flags)
    return json.loads((run / "summary.json").read_text())


def refused(app, yaml, folder, findings, settings, text, code=2):
    flags = [word for setting in settings for word in ("--set", setting)]
    result = app.run("train", yaml, "--out", folder / "refused", *flags)
    findings.expect(result.returncode == code and text in result.stderr,
                    f"{settings}: exit {result.returncode}: {result.stderr[-400:]}")


def check_refusals(app, yaml, folder, findings):
    for settings, text in ((["data.cache=ram"], "data.cache"), (["augment.flip=true"], "augment"),
                           (["data.stain.method=macenko"], "data.stain")):
        refused(app, yaml, folder, findings, ["data.decode=nvimgcodec-host", *settings], text)
    refused(app, yaml, folder, findings, ["data.decode=gpu", "device=cpu"], "data.decode gpu: tiles are decoded on a CUDA device")
    refused(app, yaml, folder, findings, ["data.decode=elsewhere"], "nvimgcodec-host")


def check_bytes(app, slides, folder, findings):
    for slide in slides:
        yaml = write_settings(folder / f"{slide.stem}.yaml", [slide], **PLAIN)
        for kernels in ("auto", "libtorch"):
            same = [f"kernels={kernels}", "streaming.tile=128"]
            host = train(app, yaml, folder / f"{slide.stem}-{kernels}-host", *same, "data.decode=host")
            other = train(app, yaml, folder / f"{slide.stem}-{kernels}-codec", *same, "data.decode=nvimgcodec-host")
            expected = results_of(folder / f"{slide.stem}-{kernels}-host")
            findings.expect(results_of(folder / f"{slide.stem}-{kernels}-codec") == expected != {},
                            f"{slide.name}, {kernels} kernels: other bytes")
            findings.expect(host["weights_hash"] == other["weights_hash"], f"{slide.name}: other weights")
            said = [(s["decoder"], s["decoded_by_nvimgcodec"] > 0) for s in (host, other)]
            findings.expect(said == [("host", False), ("nvimgcodec-host", True)], f"{slide.name}: summaries say {said}")


def check_other_ways(app, yaml, folder, findings):
    """A scaled view has no tiles of the file; ranks and a resumed run have the same bytes; plan says who decodes."""
    scaled = train(app, yaml, folder / "scaled", "data.decode=nvimgcodec-host", "data.mpp=0.8")
    findings.expect(scaled["decoded_by_nvimgcodec"] == 0, f"a scaled view: {scaled['decoded_by_nvimgcodec']} tiles")
    expected = results_of(folder / "drawn-auto-host")
    ranks = folder / "ranks"
    app.succeed("train", yaml, "--out", ranks, "--ranks", "threads:2", "--set", "data.decode=nvimgcodec-host",
                "--set", "streaming.tile=128")
    findings.expect(results_of(ranks) == expected, "two ranks: other bytes")
    resumed = folder / "resumed"
    same = ("data.decode=nvimgcodec-host", "streaming.tile=128")
    train(app, yaml, resumed, *same, "train.steps=2")
    flags = [word for setting in same for word in ("--set", setting)]
    app.succeed("train", yaml, "--out", resumed, "--resume", *flags)
    findings.expect(results_of(resumed) == expected, "resumed: other bytes")
    result = app.run("train", yaml, "--out", resumed, "--resume", "--set", "data.decode=host", "--set", "streaming.tile=128",
                     "--set", "train.steps=5")
    findings.expect(result.returncode == 2 and "data.decode" in result.stderr, f"resumed by the host: {result.stderr[-300:]}")
    planned = app.json("plan", yaml, *flags)
    findings.expect(planned["decoder"] == "nvimgcodec-host" and app.json("plan", yaml)["decoder"] == "host",
                    f"plan: {planned['decoder']}")
    provenance = json.loads((ranks / "provenance.json").read_text())
    findings.expect(provenance["decoder"] == "nvimgcodec-host", f"provenance.json: {provenance['decoder']}")


SCALE = ("--set", "data.assume_mpp=0.5")  # Some slides state none.
HOST, CODEC = (("--set", f"data.decode={name}") for name in ("host", "nvimgcodec-host"))


def exported(app, checkpoint, slide, out, *flags):
    formats = ("--format", "png,tiff,geojson,probability", "--preview")
    report = app.json("export", slide, "--checkpoint", checkpoint, "--out", out, *formats, *flags)
    return report["slides"][0], outputs_of(out)


def check_export(app, slides, folder, findings):
    for slide in slides:
        checkpoint = folder / f"{slide.stem}-auto-host" / "checkpoints" / "last.safetensors"
        plain, expected = exported(app, checkpoint, slide, folder / f"{slide.stem}-host", *HOST, *SCALE)
        for ranks in ((), ("--ranks", "threads:2")):
            out = folder / f"{slide.stem}-codec{len(ranks)}"
            said, found = exported(app, checkpoint, slide, out, *CODEC, *SCALE, *ranks)
            findings.expect(found == expected != {}, f"export of {slide.name} {ranks}: other bytes")
            # Rank 0 counts its own tiles, of a small slide perhaps none.
            least = 0 if ranks else 1
            findings.expect("decoded_by_nvimgcodec" not in plain and said["decoded_by_nvimgcodec"] >= least,
                            f"export of {slide.name} {ranks}: {said}")
        scaled, _ = exported(app, checkpoint, slide, folder / f"{slide.stem}-scaled", *CODEC, *SCALE, "--mpp", 0.8)
        findings.expect(scaled["decoded_by_nvimgcodec"] == 0, f"export of a scaled view of {slide.name}: {scaled}")


def scores_of(out):
    """What the one record of an evaluation says of its slide."""
    record, = (file for file in (out / ".untiled" / "evaluation").glob("*.json") if not file.name.endswith(".seconds.json"))
    return json.loads(record.read_text())["content"]["details"]["scores"]


def check_evaluate(app, slide, folder, findings):
    checkpoint = folder / f"{slide.stem}-auto-host" / "checkpoints" / "last.safetensors"
    mask = next((folder / f"{slide.stem}-host").glob("*.png"))
    manifest = folder / "references.csv"
    manifest.write_text(f"slide,mask\n{slide},{mask}\n")
    reports = [app.json("evaluate", "--checkpoint", checkpoint, "--manifest", manifest, "--out", folder / f"scores{i}", *flags)
               for i, flags in enumerate((HOST, CODEC))]
    findings.expect(reports[0] == reports[1], f"evaluate: {reports}")
    host, codec = (scores_of(folder / f"scores{i}") for i in range(2))
    findings.expect(codec.pop("decoded_by_nvimgcodec", 0) > 0 and host == codec, f"evaluate says {host} and {codec}")


def check_export_refusals(app, slide, folder, findings):
    yaml = write_settings(folder / "stained.yaml", [slide], **PLAIN)
    train(app, yaml, folder / "stained", "data.stain.method=macenko", "train.steps=1")
    checkpoint = folder / "stained" / "checkpoints" / "last.safetensors"
    for flags, text in ((CODEC, "data.decode must be auto or host where data.stain needs pixels on the host"),
                        (("--set", "data.decode=gpu", "--set", "device=cpu"), "data.stain")):
        result = app.run("export", slide, "--checkpoint", checkpoint, "--out", folder / "no", *flags)
        findings.expect(result.returncode == 2 and text in result.stderr, f"stains, {flags}: {result.stderr[-300:]}")
    plain = folder / f"{slide.stem}-auto-host" / "checkpoints" / "last.safetensors"
    result = app.run("export", slide, "--checkpoint", plain, "--out", folder / "no", "--set", "data.decode=gpu", "--set", "device=cpu")
    findings.expect(result.returncode == 2 and "data.decode gpu: tiles are decoded on a CUDA device" in result.stderr,
                    f"export without a device: {result.stderr[-300:]}")


def check(app, folder, findings):
    slides = draw(app, folder)
    yaml = write_settings(folder / "first.yaml", slides[:1], **PLAIN)
    check_refusals(app, yaml, folder, findings)
    if not has_module(app, "nvimgcodec"):
        refused(app, yaml, folder, findings, ["data.decode=nvimgcodec-host"], "built without nvImageCodec")
        print("not checked: nvImageCodec was not there when this was built")
        return
    check_bytes(app, slides, folder, findings)
    check_other_ways(app, yaml, folder, findings)
    check_export(app, slides, folder, findings)
    check_evaluate(app, slides[0], folder, findings)
    check_export_refusals(app, slides[0], folder, findings)


if __name__ == "__main__":
    main(check)
