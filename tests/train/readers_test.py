"""Files of lib/train as others see them: safetensors both ways, TensorBoard's own reader."""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


def check_safetensors(folder):
    path = folder / "tensors.safetensors"
    tensors = load_file(path)
    weight = np.array([[1.5, -0.0, 3.0], [4.0, 5.0, 1e-42]], np.float32)
    assert tensors["weight"].tobytes() == weight.tobytes() and tensors["weight"].shape == (2, 3)
    assert tensors["count"].dtype == np.int64 and tensors["count"].shape == ()
    assert tensors["count"] == -7
    assert tensors["mask"].dtype == np.uint8 and tensors["mask"].tolist() == [0, 128, 255]
    assert tensors["scale"].dtype == np.float64 and tensors["scale"].tolist() == [0.1, 1e300]
    assert tensors["empty"].shape == (0, 4)
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {"who": '"untiled" ü'}


def check_checkpoint(folder):
    with safe_open(folder / "checkpoint.safetensors", "numpy") as file:
        metadata = {key: value for key, value in file.metadata().items()}
    assert json.loads(metadata["widths"]) == [2, 4, 8]
    assert json.loads(metadata["strides"]) == [4, 4, 4]
    assert json.loads(metadata["kernels"]) == {"down": 7, "refine": 3, "up": 5, "head": 3}
    assert json.loads(metadata["classes"])[0]["color"] == [200, 0, 0]
    assert json.loads(metadata["input_scaling"]) == 1 / 255
    assert json.loads(metadata["training_mpp"]) is None


def check_reading(samples, folder):
    rng = np.random.default_rng(1)
    tensors = {
        "b": rng.normal(size=(2, 1, 3)).astype(np.float32),
        "a": rng.normal(size=(5,)),
        "c": rng.integers(-9, 9, size=(2, 2)),
        "d": np.arange(7, dtype=np.uint8),
        "e": np.zeros((0, 3), np.float32),
        "f": np.array(3.25),
    }
    save_file(tensors, folder / "theirs.safetensors", metadata={"k": "v, \"w\""})
    text = subprocess.run([samples, "read", folder / "theirs.safetensors"], check=True,
                          capture_output=True, text=True).stdout
    found = json.loads(text)
    assert found["metadata"] == {"k": "v, \"w\""}
    assert set(found["tensors"]) == set(tensors)
    kinds = {"float32": "Float", "float64": "Double", "int64": "Long", "uint8": "Byte"}
    for name, tensor in tensors.items():
        seen = found["tensors"][name]
        assert seen["dtype"] == kinds[tensor.dtype.name], name
        assert seen["shape"] == list(tensor.shape), name
        assert seen["values"] == tensor.astype(np.float64).ravel().tolist(), name


def check_events(folder):
    events = EventAccumulator(str(folder / "logs"), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    loss = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert [step for step, _ in loss] == [1, 2, 300], loss
    expected = [0.5, 0.375, -1e-8]
    assert all(math.isclose(v, e, rel_tol=1e-6) for (_, v), e in zip(loss, expected)), loss
    assert [event.value for event in events.Scalars("validation/dice")] == [0.25]
    (image,) = events.Images("preview/one.svs")
    assert (image.step, image.width, image.height) == (300, 1, 1)
    assert image.encoded_image_string.startswith(b"\x89PNG")
    assert 1.6e9 < image.wall_time < 1e11


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--untiled")
    parser.add_argument("--samples", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([arguments.samples, "write", folder], check=True)
        check_safetensors(folder)
        check_checkpoint(folder)
        check_reading(arguments.samples, folder)
        check_events(folder)
    print("ok")


if __name__ == "__main__":
    main()
