"""Training over pixels that nvImageCodec decodes: where its pixels are the host's, so is every byte of the run."""

import json

from check_tile_cuda import has_module, write_jpegs
from untiled_app import main, results_of, write_settings

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


if __name__ == "__main__":
    main(check)
