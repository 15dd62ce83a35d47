"""torchvision's own ResNets and ours give each other's logits from each other's weights.

Needs torch and torchvision beside the readers of scripts/requirements-oracle.txt, which leave them out:
docs/classifier.md says how to install them. Everything is computed in float64 from float32 weights.
"""

import sys

from untiled_app import ROOT, main, np

try:
    import torch
    import torchvision
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)
from safetensors.torch import load_file, save_file  # noqa: E402

CONFIG = ROOT / "configs" / "resnet_slide.yaml"
NOT_OF_THE_NETWORK = ("input", "label", "logits", "loss")
TOLERANCE = 1e-5


def network(depth):
    return getattr(torchvision.models, f"resnet{depth}")(num_classes=2)


def is_of_the_network(name):
    return not name.startswith("grad.") and name.split(".")[0] not in NOT_OF_THE_NETWORK


@torch.no_grad()
def logits_of(model, dump):
    return model.double()(dump["input"].double()).numpy()


def verify(app, path, depth, **changes):
    """What one step of ours took and gave, by name."""
    settings = {"model.depth": depth, "model.width": 64, **changes}
    app.succeed("verify", CONFIG, "--size", "163x131", "--tile", 64, "--dump", path,
                "--tolerance", 1e-10,  # Of verify's own comparison, gradients included.
                *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")))
    return load_file(path)


def expect_equal(findings, what, found, dump):
    expected = dump["logits"].numpy()
    error = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{what}: logits differ by {error:.1e}")
    findings.expect(error <= TOLERANCE, f"{what}: logits differ by {error}")


def check_our_weights(app, findings, folder, depth):
    dump = verify(app, folder / "ours.safetensors", depth)
    model = network(depth)
    model.load_state_dict({name: value for name, value in dump.items() if is_of_the_network(name)})
    expect_equal(findings, f"torchvision's ResNet-{depth} with our weights",
                 logits_of(model.train(), dump), dump)


def check_their_weights(app, findings, folder, depth):
    torch.manual_seed(depth)
    model = network(depth)
    with torch.no_grad():
        for _ in range(3):  # Running statistics become those of something.
            model(torch.rand(2, 3, 96, 96))
    file = folder / "theirs.safetensors"
    save_file(model.state_dict(), file)
    for norm in ("batch", "frozen"):
        dump = verify(app, folder / "dump.safetensors", depth,
                      **{"model.init": file, "model.norm": norm})
        found = logits_of(model.train(norm == "batch"), dump)
        expect_equal(findings, f"ours, {norm} norms, with the weights of torchvision's ResNet-{depth}",
                     found, dump)
        model.load_state_dict(load_file(file))


def check_wrong_weights(app, findings, folder):
    """The comparison notices a weight that is not what it was."""
    dump = verify(app, folder / "ours.safetensors", 18)
    model = network(18)
    weights = {name: value for name, value in dump.items() if is_of_the_network(name)}
    weights["layer3.0.downsample.1.bias"] = weights["layer3.0.downsample.1.bias"] + 0.1
    model.load_state_dict(weights)
    error = np.abs(logits_of(model.train(), dump) - dump["logits"].numpy()).max()
    findings.expect(error > 10 * TOLERANCE, f"a bias that is off by 0.1 shows as {error}")


def check(app, folder, findings):
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    torch.set_num_threads(2)
    for depth in (18, 34, 50):
        check_our_weights(app, findings, folder, depth)
        check_their_weights(app, findings, folder, depth)
    check_wrong_weights(app, findings, folder)


main(check)
