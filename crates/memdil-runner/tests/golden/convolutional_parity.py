"""Writes convolutional_parity.json: training steps of small convolutional networks in PyTorch. README.md has the formulas."""

import json
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "benches" / "peers"))
from networks import network

# Name, width, batch size, learning rate, precisions (deep narrow networks amplify the rounding of f32).
CASES = [
    ("resnet18", 8, 6, 0.02, ("f64", "f32")),
    ("vgg11", 8, 6, 0.02, ("f64", "f32")),
    ("resnet50", 4, 5, 0.001, ("f64",)),
    ("vgg16", 4, 5, 0.001, ("f64", "f32")),
    ("resnet34", 4, 5, 0.001, ("f64",)),
    ("resnet18", 8, 6, 0.002, ("f32",)),
]
IMAGE, CLASSES = (3, 32, 32), 4
MOMENTUM, DECAY = 0.9, 5e-3
PROJECTIONS = 8


def mix(z):
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hashed(stream, count):
    start = mix(np.array([stream], dtype=np.uint64))
    return mix(start + np.arange(count, dtype=np.uint64))


def uniform(stream, count):
    return (hashed(stream, count) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def ours(tensor):
    """Values in the order of memdil: (kernel, kernel, inputs, outputs) or (inputs, outputs)."""
    if tensor.dim() == 4:
        tensor = tensor.permute(2, 3, 1, 0)
    elif tensor.dim() == 2:
        tensor = tensor.t()
    return tensor.detach().double().contiguous().numpy().ravel()


def start(model):
    for stream, (name, parameter) in enumerate(model.named_parameters()):
        values = uniform(stream, parameter.numel())
        if ".norm." in name:
            values = values / 4 + (1 if name.endswith("weight") else 0)
        elif parameter.dim() == 4:
            values = values * (1 / np.sqrt(parameter[0].numel()))
        else:
            values = values * (1 / np.sqrt(model.classifier.in_features))
        values = torch.from_numpy(values.astype(np.float32)).to(parameter.dtype)
        if parameter.dim() == 4:
            outputs, inputs, kernel, _ = parameter.shape
            values = values.reshape(kernel, kernel, inputs, outputs).permute(3, 2, 0, 1)
        elif parameter.dim() == 2:
            values = values.reshape(parameter.shape[1], parameter.shape[0]).t()
        with torch.no_grad():
            parameter.copy_(values.reshape(parameter.shape))


def train(name, width, batch, rate, precision):
    dtype, steps = {"f64": (torch.float64, 10), "f32": (torch.float32, 3)}[precision]
    model = network(name, width, CLASSES).to(dtype)
    start(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=DECAY)
    losses = []
    for step in range(steps):
        inputs = uniform(1000 + step, batch * int(np.prod(IMAGE))).reshape(batch, *IMAGE)
        labels = (hashed(2000 + step, batch) % np.uint64(CLASSES)).astype(np.int64)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(inputs).to(dtype)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    running = [buffer for name, buffer in model.named_buffers() if "running" in name]
    tensors = []
    for index, tensor in enumerate([*model.parameters(), *running]):
        values = ours(tensor)
        projections = []
        for j in range(PROJECTIONS):
            negative = hashed(3000 + PROJECTIONS * index + j, len(values)) >> np.uint64(63) == 1
            projections.append(float(np.where(negative, -values, values).sum()))
        tensors.append({"norm": float(np.linalg.norm(values)), "projections": projections})
    return {"losses": losses, "tensors": tensors}


def main():
    torch.set_num_threads(1)
    cases = []
    for name, width, batch, rate, precisions in CASES:
        kind = name.rstrip("0123456789")
        cases.append({
            "name": name,
            "image": IMAGE,
            "classes": CLASSES,
            "batch_sizes": [batch],
            "model": {"kind": kind, "depth": int(name[len(kind):]), "width": width},
            "optimizer": {"kind": "sgd", "learning_rate": rate, "momentum": MOMENTUM, "weight_decay": DECAY},
            "loss": {"kind": "cross_entropy"},
            "feature_decay": 0.0,
            **{p: train(name, width, batch, rate, p) if p in precisions else None for p in ("f64", "f32")},
        })
    text = json.dumps({"cases": cases}, separators=(",", ":"))
    (HERE / "convolutional_parity.json").write_text(text + "\n")


if __name__ == "__main__":
    with np.errstate(over="ignore"):
        main()
