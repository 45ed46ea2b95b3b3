"""Trains small MLPs in PyTorch from hashed weights and batches: python mlp_parity.py (writes mlp_parity.json).

README.md describes the hash, the cases and the format of the results.
"""

import json
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional

INPUTS = 48
INPUT_STREAM, LABEL_STREAM, SIGN_STREAM = 1000, 2000, 3000
PROJECTIONS = 8


def mix(z):
    """One output of splitmix64 for the state z (NumPy arrays of uint64 wrap around)."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hashes(stream, count):
    """Hash of (stream, 0), (stream, 1), ..."""
    start = mix(np.array([stream], dtype=np.uint64))
    return mix(start + np.arange(count, dtype=np.uint64))


def uniform(stream, count):
    """Uniform on [-1, 1): the upper 24 bits, exact in single precision."""
    return (hashes(stream, count) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def single(values):
    """Round to single precision, so that both precisions start from the same numbers."""
    return np.asarray(values, dtype=np.float64).astype(np.float32).astype(np.float64)


class Linear(nn.Module):
    """A linear layer whose weights have shape (inputs, outputs)."""

    def __init__(self, fan_in, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fan_in, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class Block(nn.Module):
    def __init__(self, fan_in, units, norm, activation):
        super().__init__()
        self.linear = Linear(fan_in, units)
        if norm != "none":
            self.norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](units)
        self.activation = {"relu": functional.relu, "sigmoid": torch.sigmoid}[activation]

    def forward(self, x):
        x = self.linear(x)
        return self.activation(self.norm(x) if hasattr(self, "norm") else x)


class Mlp(nn.Module):
    def __init__(self, model, classes):
        super().__init__()
        sizes = [INPUTS] + [model["width"]] * (model["depth"] - 1) + [model["features"]]
        pairs = zip(sizes[:-1], sizes[1:])
        self.blocks = nn.ModuleList(Block(a, b, model["norm"], model["activation"]) for a, b in pairs)
        self.classifier = Linear(model["features"], classes)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x, self.classifier(x)


def frame(classes, dim):
    """The canonical simplex equiangular tight frame, (classes, dim), for dim >= classes."""
    rows = np.zeros((classes, dim))
    rows[:, :classes] = math.sqrt(classes / (classes - 1)) * (np.eye(classes) - 1.0 / classes)
    return rows


def fill(network, case, dtype):
    """Set the initial values by hash; a tensor's index in the order of the parameters is its stream."""
    for stream, (name, parameter) in enumerate(network.named_parameters()):
        count = parameter.numel()
        values = uniform(stream, count)
        if ".norm." in name:
            values = values / 4.0 + (1.0 if name.endswith("weight") else 0.0)
        else:
            layer = network.get_submodule(name.rsplit(".", 1)[0])
            values = values * (1.0 / math.sqrt(layer.weight.shape[0]))
        parameter.data = torch.tensor(single(values).reshape(parameter.shape), dtype=dtype)
    if case["model"]["classifier"] == "etf":
        weight = frame(case["classes"], case["model"]["features"]).T.copy()
        network.classifier.weight.data = torch.tensor(weight, dtype=dtype)
        network.classifier.bias.data = torch.zeros(case["classes"], dtype=dtype)
        network.classifier.requires_grad_(False)


def optimizer(network, spec):
    spec = dict(spec)
    kind, rate = spec.pop("kind"), spec.pop("learning_rate")
    prefix = "decoupled_" if kind == "adam_w" else ""
    decay = spec.pop(prefix + "weight_decay")
    classifier_decay = spec.pop(prefix + "classifier_weight_decay", decay)
    groups = [
        {"params": network.blocks.parameters(), "weight_decay": decay},
        {"params": [p for p in network.classifier.parameters() if p.requires_grad], "weight_decay": classifier_decay},
    ]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=spec["momentum"], nesterov=spec["nesterov"])
    make = {"adam": torch.optim.Adam, "adam_w": torch.optim.AdamW}[kind]
    return make(groups, lr=rate, betas=(spec["beta1"], spec["beta2"]), eps=spec["epsilon"])


def describe(name, tensor, index):
    values = tensor.detach().double().numpy().ravel()
    projections = []
    for j in range(PROJECTIONS):
        signs = 1.0 - 2.0 * (hashes(SIGN_STREAM + PROJECTIONS * index + j, values.size) >> np.uint64(63)).astype(np.float64)
        projections.append(float(signs @ values))
    return {"name": name, "shape": list(tensor.shape), "norm": float(np.linalg.norm(values)), "projections": projections}


def train(case, dtype, steps):
    torch.manual_seed(0)
    network = Mlp(case["model"], case["classes"]).to(dtype).train()
    fill(network, case, dtype)
    update = optimizer(network, case["optimizer"])
    smoothing = case["loss"].get("alpha", 0.0)
    losses = []
    for step in range(steps):
        n = case["batch_sizes"][step % len(case["batch_sizes"])]
        x = torch.tensor(uniform(INPUT_STREAM + step, n * INPUTS).reshape(n, INPUTS), dtype=dtype)
        y = torch.tensor((hashes(LABEL_STREAM + step, n) % np.uint64(case["classes"])).astype(np.int64))
        h, z = network(x)
        loss = functional.cross_entropy(z, y, label_smoothing=smoothing)
        loss = loss + case["feature_decay"] / (2 * n) * h.square().sum()
        update.zero_grad()
        loss.backward()
        update.step()
        losses.append(loss.item())
    tensors = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    tensors += [(name, b) for name, b in network.named_buffers() if "running" in name]
    described = [describe(name, tensor, index) for index, (name, tensor) in enumerate(tensors)]
    return {"steps": steps, "losses": losses, "tensors": described}


def case(name, model=None, optimizer=None, batch_sizes=(20,), loss=None, feature_decay=0.0):
    base = {"kind": "mlp", "depth": 4, "width": 32, "features": 3, "norm": "batch", "activation": "relu", "classifier": "learned"}
    sgd = {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 5e-4}
    return {
        "name": name,
        "inputs": INPUTS,
        "classes": 3,
        "model": base | (model or {}),
        "optimizer": optimizer if optimizer and "kind" in optimizer else sgd | (optimizer or {}),
        "loss": loss or {"kind": "cross_entropy"},
        "feature_decay": feature_decay,
        "batch_sizes": list(batch_sizes),
    }


def main():
    torch.set_num_threads(1)
    adam = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    cases = [
        case("paper"),
        case("nesterov", optimizer={"nesterov": True, "classifier_weight_decay": 5e-3}, batch_sizes=(20, 20, 7)),
        case("layer-sigmoid-adam", {"norm": "layer", "activation": "sigmoid"}, {"kind": "adam", "weight_decay": 5e-4} | adam),
        case(
            "plain-adamw",
            {"norm": "none", "features": 5},
            {"kind": "adam_w", "decoupled_weight_decay": 1e-2, "decoupled_classifier_weight_decay": 1e-1} | adam,
            feature_decay=1e-2,
        ),
        case("etf", {"classifier": "etf"}, loss={"kind": "label_smoothing", "alpha": 0.1}),
    ]
    for one in cases:
        one["f64"] = train(one, torch.float64, 50)
        one["f32"] = train(one, torch.float32, 5)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
