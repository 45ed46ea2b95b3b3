"""The reference protocol in PyTorch, independent of this workspace's code. If two programs differ, it shows which one is wrong.

It draws its random numbers in the same order as the authors' code (noise, initialisation, one forward pass of two
random images, then one sampler per pass), so that a seed has the same meaning.

    pip install torch numpy pillow
    python experiments/reference/independent_protocol.py DIR WIDTH LOSS ETA SEED...

DIR holds Fashion-MNIST's IDX files (.gz); LOSS is ce, ls or lr, the last two with alpha 0.1. Prints one JSON object per seed.
"""

import gzip
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

HELD_OUT = 2400  # the first 20% in file order
ALPHA = 0.1


def read(folder, name):
    def raw(kind, header):
        return np.frombuffer(gzip.open(folder / f"{name}-{kind}-ubyte.gz").read()[header:], dtype=np.uint8)

    labels = raw("labels-idx1", 8).astype(np.int64)
    images = raw("images-idx3", 16).reshape(-1, 28, 28)[labels < 2]
    images = np.stack([np.asarray(Image.fromarray(i).resize((32, 32), Image.BILINEAR)) for i in images])
    inputs = torch.tensor((images / 255.0 - 0.1307) / 0.3081, dtype=torch.float32)
    return inputs.reshape(len(inputs), -1).repeat(1, 3), torch.tensor(labels[labels < 2])


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        sizes = [3072, width, width, width, 2]
        blocks = [[nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()] for a, b in zip(sizes, sizes[1:])]
        self.features = nn.Sequential(*sum(blocks, []))
        self.classifier = nn.Linear(2, 2)

    def forward(self, x):
        h = self.features(x)
        return self.classifier(h), h


def label_relaxation(logits, labels):
    """Lienen and Hüllermeier 2021: nothing to learn where the label has probability 1 - alpha, else KL to the nearest such."""
    log_p = logits.log_softmax(1)
    p = log_p.gather(1, labels[:, None]).exp().detach()
    onehot = nn.functional.one_hot(labels, logits.shape[1])
    q = torch.where(onehot == 1, 1 - ALPHA, ALPHA * log_p.exp().detach() / (1 - p).clamp_min(1e-12))
    divergence = (q * (q.log() - log_p)).sum(1)
    return torch.where(p.flatten() >= 1 - ALPHA, 0.0, divergence).mean()


LOSSES = {
    "ce": nn.CrossEntropyLoss(),
    "ls": nn.CrossEntropyLoss(label_smoothing=ALPHA),
    "lr": label_relaxation,
}


def nc1(h, labels):
    h = h.double()
    means = torch.stack([h[labels == k].mean(0) for k in range(2)])
    within = (h - means[labels]).T @ (h - means[labels]) / len(h)
    centred = means - h.mean(0)
    return torch.trace(within @ torch.linalg.pinv(centred.T @ centred / 2)).item() / 2


def ece(p, labels):
    confidence, predicted = p.max(1)
    total = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            right = (predicted == labels)[inside].float().mean()
            total += inside.float().mean() * (right - confidence[inside].mean()).abs()
    return float(total)


def run(train, test, width, loss, eta, seed):
    (x, clean), (x_test, y_test) = train, test
    torch.manual_seed(seed)
    noisy = torch.where(torch.rand(clean.size()) < eta, torch.randint(0, 2, clean.size()), clean)
    kept = torch.arange(len(clean)) >= HELD_OUT

    def batches(indices):
        return DataLoader(TensorDataset(x, noisy), batch_size=128, sampler=SubsetRandomSampler(indices.tolist()))

    training, validation = batches(kept.nonzero().flatten()), batches((~kept).nonzero().flatten())
    network = Network(width)
    network(torch.rand(2, 3072))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.1)
    for _ in range(30):
        network.train()
        for inputs, labels in training:
            optimizer.zero_grad()
            LOSSES[loss](network(inputs)[0], labels).backward()
            optimizer.step()
        schedule.step()
        for _ in validation:  # consumes the random numbers of the authors' validation pass
            pass
    network.eval()
    with torch.no_grad():
        h = network(x)[1]
        logits_test, h_test = network(x_test)
    right = kept & (noisy == clean)
    means = torch.stack([h[right & (clean == k)].mean(0) for k in range(2)])
    wrong = kept & (noisy != clean)
    moved = (h - means[clean])[wrong].norm(dim=1)
    return {
        "seed": seed,
        "realised_noise": (noisy != clean).float().mean().item(),
        "accuracy": 100 * (logits_test.argmax(1) == y_test).float().mean().item(),
        "dilation": nc1(h_test, y_test),
        "nc1": nc1(h[kept], noisy[kept]),
        "nc1_all": nc1(h, noisy),
        "memorization_mean": moved.mean().item() if len(moved) else None,
        "separation": (means[0] - means[1]).norm().item(),
        "test_ece": ece(logits_test.softmax(1), y_test),
    }


def main():
    folder, width, loss, eta, *seeds = sys.argv[1:]
    torch.set_num_threads(1)
    train, test = (read(pathlib.Path(folder), name) for name in ("train", "t10k"))
    for seed in seeds:
        values = run(train, test, int(width), loss, float(eta), int(seed))
        values = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
        print(json.dumps({"width": int(width), "loss": loss, "eta": float(eta)} | values), flush=True)


if __name__ == "__main__":
    main()
