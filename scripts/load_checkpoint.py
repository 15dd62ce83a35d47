#!/usr/bin/env python3
"""Loads a checkpoint of untiled into plain PyTorch, from its own metadata, and runs it.

    python scripts/load_checkpoint.py best.safetensors image.png probabilities.npy

Needs torch, safetensors, numpy and Pillow. `load` is for programs of your own. Where the metadata have "stain",
the network saw pixels of `untiled tile --filter macenko --stain`, and so should `probabilities`.
"""
import json
import sys

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional


class UNet(nn.Module):
    """e_n = relu(refine(relu(down(e_n-1)))), u_n = relu(up(cat[u_n+1, e_n])) cropped to e_n-1,
    logits = head(cat[u_1, e_0]); e_0 are the pixels times the checkpoint's input scaling."""

    def __init__(self, widths, kernels, strides, logits):
        super().__init__()

        def conv(inputs, outputs, kernel, stride=1):
            return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2)

        channels = [3, *widths]
        self.depth = len(widths)
        for n, stride in enumerate(strides, 1):
            self.add_module(f"encoder{n}", nn.ModuleDict({
                "down": conv(channels[n - 1], channels[n], kernels["down"], stride),
                "refine": conv(channels[n], channels[n], kernels["refine"])}))
            deepest = n == self.depth
            up = nn.ConvTranspose2d(channels[n] if deepest else 2 * channels[n],
                                    channels[n - 1] if n > 1 else channels[1], kernels["up"], stride,
                                    (kernels["up"] - 1) // 2, stride - 1)
            self.add_module(f"decoder{n}", nn.ModuleDict({"up": up}))
        self.head = conv(channels[1] + 3, logits, kernels["head"])

    def forward(self, pixels):
        levels = [pixels]
        for n in range(1, self.depth + 1):
            block = self.get_submodule(f"encoder{n}")
            levels.append(functional.relu(block["refine"](functional.relu(block["down"](levels[-1])))))
        x = levels[-1]
        for n in range(self.depth, 0, -1):
            skip = levels[n - 1]
            x = functional.relu(self.get_submodule(f"decoder{n}")["up"](x))
            x = torch.cat([x[..., :skip.shape[-2], :skip.shape[-1]], skip], 1)
        return self.head(x)


def load(path):
    """The network, ready to run, and the metadata as a dictionary."""
    with safe_open(path, "pt") as file:
        facts = {key: value if key == "format" else json.loads(value)
                 for key, value in file.metadata().items()}
        weights = {key: file.get_tensor(key) for key in file.keys()}
    network = UNet(facts["widths"], facts["kernels"], facts["strides"], len(weights["head.bias"]))
    network.load_state_dict(weights)
    return network.eval(), facts


@torch.no_grad()
def probabilities(network, facts, rgb):
    """Classes x rows x columns from 8-bit RGB, rows x columns x 3."""
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() * facts["input_scaling"]
    logits = network(pixels)[0]
    return (torch.sigmoid(logits) if len(logits) == 1 else torch.softmax(logits, 0)).numpy()


if __name__ == "__main__":
    import numpy as np
    from PIL import Image
    model, metadata = load(sys.argv[1])
    if "stain" in metadata:
        print("the pixels must be normalised to the checkpoint's stains", metadata["stain"], file=sys.stderr)
    image = np.array(Image.open(sys.argv[2]).convert("RGB"))
    np.save(sys.argv[3], probabilities(model, metadata, image))
