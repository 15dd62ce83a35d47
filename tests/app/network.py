"""The network of DESIGN.md section 2 and the losses of section 3, whole-image, in NumPy float64.

An independent reading of the design: it shares no line with the program that it judges. Numbers may
be complex: with a tiny imaginary step in a parameter, the loss's imaginary part is the derivative.
"""

import json

import numpy as np
from safetensors import safe_open


def convolve(x, weight, bias, stride=1):
    """x [channels, rows, cols] -> [out, ceil(rows / stride), ceil(cols / stride)]."""
    kernel = weight.shape[-1]
    padding = (kernel - 1) // 2
    rows, cols = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    y = np.zeros((len(bias), rows, cols), np.result_type(x, weight, bias)) + bias[:, None, None]
    for i in range(kernel):
        for j in range(kernel):
            part = padded[:, i:i + (rows - 1) * stride + 1:stride,
                          j:j + (cols - 1) * stride + 1:stride]
            y += np.tensordot(weight[:, :, i, j], part, 1)
    return y


def convolve_transposed(x, weight, bias, stride, size):
    """x [channels, rows, cols] -> [out, *size], the upper left part of stride * (rows, cols)."""
    kernel = weight.shape[-1]
    padding = (kernel - 1) // 2
    rows, cols = x.shape[1:]
    y = np.zeros((weight.shape[1], rows * stride + kernel, cols * stride + kernel),
                 np.result_type(x, weight))
    for i in range(kernel):
        for j in range(kernel):
            y[:, i:i + rows * stride:stride, j:j + cols * stride:stride] += np.tensordot(
                weight[:, :, i, j].T, x, 1)
    return y[:, padding:padding + size[0], padding:padding + size[1]] + bias[:, None, None]


def relu(x):
    return np.where(x.real > 0, x, 0.0)


def logits(parameters, image, stride=4):
    """image [3, rows, cols] in 0..1 -> [classes, rows, cols]."""
    p = {name: value if np.iscomplexobj(value) else np.asarray(value, np.float64)
         for name, value in parameters.items()}

    def conv(name, x, step=1):
        return convolve(x, p[name + ".weight"], p[name + ".bias"], step)

    encoded = [np.asarray(image, np.float64)]
    while f"encoder{len(encoded)}.down.weight" in p:
        name = f"encoder{len(encoded)}"
        down = relu(conv(f"{name}.down", encoded[-1], stride))
        encoded.append(relu(conv(f"{name}.refine", down)))
    decoded = encoded.pop()
    for level in range(len(encoded), 0, -1):
        name = f"decoder{level}.up"
        skip = encoded.pop()
        up = convolve_transposed(decoded, p[name + ".weight"], p[name + ".bias"], stride,
                                 skip.shape[1:])
        decoded = np.concatenate([relu(up), skip])
    return conv("head", decoded)


def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def softmax(z):
    e = np.exp(z - z.real.max(0))
    return e / e.sum(0)


def probabilities(z):
    return sigmoid(z) if len(z) == 1 else softmax(z)


def cross_entropy(z, one_hot):
    if len(z) == 1:
        negative = np.where(z[0].real > 0, -z[0], z[0])
        return relu(z[0]) - z[0] * one_hot[0] + np.log1p(np.exp(negative))
    shifted = z - z.real.max(0)
    return ((np.log(np.exp(shifted).sum(0)) - shifted) * one_hot).sum(0)


def loss(z, labels, weights, kind):
    """Logits [classes, rows, cols], labels and weights [rows, cols]; bce, dice or bce+dice."""
    classes = [1] if len(z) == 1 else range(len(z))
    one_hot = np.stack([labels == c for c in classes]).astype(np.float64)
    total = 0.0
    if kind != "dice":
        total += (weights * cross_entropy(z, one_hot)).sum() / weights.sum()
    if kind != "bce":
        p = probabilities(z)
        for k in range(len(z)):
            both = (weights * p[k] * one_hot[k]).sum()
            either = (weights * p[k]).sum() + (weights * one_hot[k]).sum()
            total += (1.0 - (2.0 * both + 1.0) / (either + 1.0)) / len(z)
    return total


def parsed(text):
    """Metadata values are JSON; plain words stand as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def load(path):
    """A checkpoint's tensors and metadata."""
    with safe_open(path, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = {key: parsed(value) for key, value in (file.metadata() or {}).items()}
    return tensors, metadata


def predict(checkpoint, rgb):
    """Probabilities [classes, rows, cols] of an RGB image [rows, cols, 3] of bytes."""
    tensors, metadata = load(checkpoint)
    image = rgb.transpose(2, 0, 1) * metadata["input_scaling"]
    return probabilities(logits(tensors, image, metadata["strides"][0]))
