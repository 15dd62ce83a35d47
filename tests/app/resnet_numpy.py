"""torchvision's ResNet in NumPy, written from its description: the oracle of slide classifiers."""

import numpy as np
from safetensors.numpy import load_file

EPSILON = 1e-5
MOMENTUM = 0.1


def load(path):
    return load_file(str(path))


def conv(image, weight, stride):
    """image [channels, rows, cols], weight [out, channels, k, k], padding k // 2."""
    k = weight.shape[2]
    padded = np.pad(image, ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(1, 2))
    return np.einsum("crsij,ocij->ors", windows[:, ::stride, ::stride], weight, optimize=True)


def max_pool(image):
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return windows[:, ::2, ::2].max((3, 4))


class Network:
    def __init__(self, tensors):
        self.t = tensors
        self.running = {}

    def norm(self, name, images):
        """Statistics of all pixels of all images."""
        values = np.concatenate([i.reshape(len(i), -1) for i in images], 1)
        mean, var, n = values.mean(1), values.var(1), values.shape[1]
        self.running[name + ".running_mean"] = MOMENTUM * mean
        self.running[name + ".running_var"] = 1 - MOMENTUM + MOMENTUM * var * n / (n - 1)
        scale = self.t[name + ".weight"] / np.sqrt(var + EPSILON)
        return [(i - mean[:, None, None]) * scale[:, None, None]
                + self.t[name + ".bias"][:, None, None] for i in images]

    def conv_norm(self, name, norm, images, stride):
        return self.norm(norm, [conv(i, self.t[name + ".weight"], stride) for i in images])

    def block(self, name, images, stride):
        x = [np.maximum(i, 0) for i in self.conv_norm(f"{name}.conv1", f"{name}.bn1", images, stride)]
        x = self.conv_norm(f"{name}.conv2", f"{name}.bn2", x, 1)
        if f"{name}.downsample.0.weight" in self.t:
            images = self.conv_norm(f"{name}.downsample.0", f"{name}.downsample.1", images, stride)
        return [np.maximum(a + b, 0) for a, b in zip(x, images)]

    def forward(self, images):
        x = self.conv_norm("conv1", "bn1", images, 2)
        x = [max_pool(np.maximum(i, 0)) for i in x]
        for stage in (1, 2, 3, 4):
            i = 0
            while f"layer{stage}.{i}.conv1.weight" in self.t:
                x = self.block(f"layer{stage}.{i}", x, 2 if stage > 1 and i == 0 else 1)
                i += 1
        pooled = np.stack([i.mean((1, 2)) for i in x])
        return pooled @ self.t["fc.weight"].T + self.t["fc.bias"]


def forward(tensors, inputs):
    """Logits [slides, classes] of inputs [1, 3, rows, cols], and running statistics after them."""
    network = Network(tensors)
    logits = network.forward([i[0] for i in inputs])
    return logits, network.running


def cross_entropy(logits, labels):
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -logs[np.arange(len(labels)), labels].mean()
