"""verify, repeated by an outsider: logits, losses and gradients from its dump, in NumPy."""

import json

from untiled_app import ROOT, main, np, write_slide  # noqa: I001
import network

ERRORS = ("max_relative_gradient_error", "relative_loss_error", "max_relative_logit_error")
LIMIT = 1e-12
STEP = 1e-30


def error_of(value, reference):
    return float(np.abs(value - reference).max() / np.abs(reference).max())


def loss_of(tensors, kind):
    z = network.logits(parameters_of(tensors), tensors["input"][0])
    return network.loss(z, tensors["labels"][0, 0], tensors["weights"][0, 0], kind)


def parameters_of(tensors):
    return {name[5:]: tensors[name[5:]] for name in tensors if name.startswith("grad.")}


def check_run(app, findings, dump, size, tile, loss, extra=()):
    what = f"verify --size {size} --tile {tile} --loss {loss} {' '.join(map(str, extra))}"
    result = app.run("verify", *extra, "--size", size, "--tile", tile, "--loss", loss, "--dtype",
                     "float64", "--json", "--dump", dump)
    if not findings.expect(result.returncode == 0,
                           f"{what}: exit {result.returncode}: {result.stderr} {result.stdout}"):
        return None
    report = json.loads(result.stdout)
    for name in ERRORS:
        findings.expect(0 <= report[name] <= LIMIT, f"{what}: {name} {report[name]}")
    tensors, _ = network.load(dump)
    check_dump(findings, what, tensors, size, loss)
    return tensors


def check_dump(findings, what, tensors, size, loss):
    rows, cols = map(int, size.split("x"))
    image = tensors["input"]
    findings.expect(image.shape == (1, 3, rows, cols) and image.min() >= 0 and image.max() <= 1,
                    f"{what}: input {image.shape} {image.min()} {image.max()}")
    for name, tensor in parameters_of(tensors).items():
        findings.expect(tensors["grad." + name].shape == tensor.shape,
                        f"{what}: grad.{name} is not shaped as {name}")
    z = network.logits(parameters_of(tensors), image[0])
    error = error_of(tensors["logits"][0], z)
    findings.expect(error <= LIMIT, f"{what}: logits differ from NumPy's by {error}")
    found = float(tensors["loss"].ravel()[0])
    mine = loss_of(tensors, loss)
    findings.expect(abs(found - mine) <= LIMIT * abs(mine), f"{what}: loss {found}, NumPy {mine}")


def check_gradients(findings, tensors, loss, count):
    """A few gradients by an imaginary step: exact, and blind to the kinks of ReLU."""
    random = np.random.default_rng(3)
    for name in random.choice(sorted(parameters_of(tensors)), count, replace=False):
        gradient = tensors["grad." + name]
        index = tuple(int(random.integers(0, n)) for n in gradient.shape)
        moved = {**tensors, name: tensors[name].astype(np.complex128)}
        moved[name][index] += STEP * 1j
        slope = loss_of(moved, loss).imag / STEP
        error = abs(slope - gradient[index]) / np.abs(gradient).max()
        findings.expect(error < 1e-10, f"{loss}: grad.{name}{list(index)} is {gradient[index]}, "
                                       f"by an imaginary step {slope}")


def check_refusals(app, findings):
    for size in ("70", "0x5", "ax3", "5x", "-1x5", "12x13x14", "100000x100000", "1e3x5"):
        result = app.run("verify", f"--size={size}")
        findings.expect(result.returncode == 2, f"verify --size={size}: exit {result.returncode}")
        findings.expect(result.stderr.splitlines()[-1].startswith("error: "),
                        f"verify --size={size}: {result.stderr}")


def check_tolerance(app, findings):
    result = app.run("verify", "--size", "321x207", "--tile", 64, "--tolerance", "1e-30", "--json")
    report = json.loads(result.stdout)
    exact = all(report[name] == 0 for name in ERRORS)
    findings.expect(result.returncode == (0 if exact else 1) and report["passed"] == exact,
                    f"verify --tolerance 1e-30: exit {result.returncode}, {report}")


def check_float32(app, findings):
    report = app.json("verify", "--size", "900x700", "--dtype", "float32")
    findings.expect(all(report[name] <= 1e-4 for name in ERRORS), f"float32: {report}")


def check_slide(app, findings, folder):
    pixels = write_slide(folder / "slide.tif")
    tensors = check_run(app, findings, folder / "crop.safetensors", "301x200", 64, "bce",
                        ("--slide", folder / "slide.tif"))
    top, left = (700 - 301) // 2, (600 - 200) // 2
    crop = pixels[top:top + 301, left:left + 200].transpose(2, 0, 1) / 255.0
    findings.expect(tensors is not None and np.abs(tensors["input"][0] - crop).max() < 1e-15,
                    "verify --slide: the input is not the middle of the slide")


def check(app, folder, findings):
    dump = folder / "dump.safetensors"
    for loss in ("bce", "dice", "bce+dice"):
        check_run(app, findings, dump, "70x1500", 64, loss)
        check_run(app, findings, dump, "1x333", 64, loss)
        tensors = check_run(app, findings, dump, "521x307", 100, loss)
        if tensors:
            check_gradients(findings, tensors, loss, 5)
    wide = (ROOT / "configs" / "wide_context.yaml",)
    check_run(app, findings, dump, "70x1500", 192, "bce", wide)
    check_run(app, findings, dump, "1x333", 64, "dice", wide)
    check_run(app, findings, dump, "521x307", 96, "bce+dice", wide)
    three = [{"name": n, "value": v, "weight": w} for n, v, w in
             (("glass", 0, 1.0), ("stroma", 1, 2.0), ("tumour", 7, 0.5))]
    tensors = check_run(app, findings, dump, "211x187", 64, "bce+dice",
                        ("--set", "labels.method=mask", "--set", "data.manifest=masks.csv",
                         "--set", "data.classes=" + json.dumps(three)))
    if tensors:
        check_gradients(findings, tensors, "bce+dice", 3)
    check_slide(app, findings, folder)
    check_tolerance(app, findings)
    check_float32(app, findings)
    check_refusals(app, findings)


main(check)
