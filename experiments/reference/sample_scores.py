"""Compares memdil's sample scores with cleanlab's label quality as detectors of wrong labels.

For each kind of noise and seed, networks are trained for several numbers of epochs on the embedded images of all classes. The AUROC
against the corruption mask is computed for memdil's scores (metrics.jsonl), for cleanlab's scores of the logits of the same network,
and for cleanlab's scores of cross-validated logits, for which cleanlab is intended: five networks with the same settings, each trained
on four fifths of the samples. Runs that exist already are reused.

    pip install cleanlab scikit-learn scipy numpy
    python experiments/reference/sample_scores.py PROGRAM FOLDER [JOBS]

PROGRAM is the path of memdil. FOLDER receives the runs, scores.csv and the table scores.md.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cleanlab.rank import get_label_quality_scores
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

SEEDS = range(10, 18)
EPOCHS = [1, 2, 4, 8, 16, 30, 60]
NOISE = {"uniform": "eta = 0.2", "instance": "eta = 0.2"}
FOLDS = 5
OURS = ["mean_loss", "mean_margin", "forgetting_events", "given_since", "distance_given", "alignment_given"]
CLEANLAB = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]

# The settings of experiments/memorization-dilation.toml (preset quick), for all ten classes.
CONFIG = """
experiment = "sample-scores"
seed = {seed}
loss = {{ kind = "cross_entropy" }}
data = {{ {data} }}
noise = {{ kind = "{kind}", {noise} }}
model = {{ kind = "mlp", depth = 4, width = 128 }}
optimizer = {{ kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 5e-4 }}
schedule = {{ kind = "step", patience = 20, gamma = 0.1 }}
training = {{ epochs = {epochs}, batch_size = 64, evaluate_every = {epochs} }}
"""


def main(program, folder, jobs):
    folder.mkdir(parents=True, exist_ok=True)
    images = folder / "images.npz"
    if not images.exists():
        call(program, "data", "subset", "fashion-mnist-embedded", "--per-class", 600, "--test-per-class", 100, "--out", images)
    images = dict(np.load(images))
    cases = [(kind, seed) for kind in NOISE for seed in SEEDS]
    with ThreadPoolExecutor(jobs) as pool:
        rows = list(pool.map(lambda case: measure(program, folder, images, *case), cases))
    values = [value for row in rows for value in row]
    with open(folder / "scores.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(values[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**value, "auroc": f"{value['auroc']:.6f}"} for value in values)
    (folder / "scores.md").write_text(table(values))


def measure(program, folder, images, kind, seed):
    """The AUROC of every score for one kind of noise and one seed."""
    values = []

    def add(score, logits, epochs, auroc):
        values.append({"noise": kind, "seed": seed, "epochs": epochs, "score": score, "logits": logits, "auroc": auroc})

    given = corrupted = folds = None
    for epochs in EPOCHS:
        run = folder / f"{kind}-{seed}-{epochs}"
        train(program, run, kind=kind, noise=NOISE[kind], seed=seed, epochs=epochs, data='source = "fashion-mnist-embedded"')
        features = np.load(run / "features.npz")
        if given is None:
            given = features["labels"].astype(int)
            corrupted = given != features["clean_labels"]
            assert np.array_equal(features["clean_labels"], images["labels"])
            folds = np.random.default_rng(seed).permutation(len(given)) % FOLDS
        last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        for score in OURS:
            add(score, "steps", epochs, last["ranking"][score]["auroc"])
        for score, auroc in cleanlab(given, features["logits"], corrupted):
            add(score, "same network", epochs, auroc)
        logits = np.empty_like(features["logits"])
        for fold in range(FOLDS):
            held_out = folds == fold
            logits[held_out] = held_out_logits(program, folder, images, given, held_out, f"{kind}-{seed}-{epochs}-{fold}", seed, epochs)
        for score, auroc in cleanlab(given, logits, corrupted):
            add(score, "cross-validated", epochs, auroc)
        print(f"{kind}, seed {seed}, {epochs} epochs: done", file=sys.stderr)
    return values


def held_out_logits(program, folder, images, given, held_out, name, seed, epochs):
    """The logits of held-out samples by a network that was trained on the given labels of the others."""
    run, data = folder / name, folder / f"{name}.npz"
    if not (run / "summary.json").exists():
        np.savez(
            data,
            images=images["images"][~held_out],
            labels=given[~held_out],
            test_images=images["images"][held_out],
            test_labels=given[held_out],
            mean=images["mean"],
            std=images["std"],
        )
        train(program, run, kind="uniform", noise="eta = 0.0", seed=seed, epochs=epochs, data=f'npz = "{data.resolve()}"')
        data.unlink()
    return np.load(run / "features.npz")["test_logits"]


def cleanlab(given, logits, corrupted):
    logits = logits.astype(np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    for method in CLEANLAB:
        quality = get_label_quality_scores(given, p, method=method)
        yield method, roc_auc_score(corrupted, -quality)


def train(program, run, **settings):
    if (run / "summary.json").exists():
        return
    config = run.with_suffix(".toml")
    config.write_text(CONFIG.format(**settings))
    call(program, "train", "--config", config, "--out", run)


def call(program, *arguments):
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    subprocess.run([program, *map(str, arguments)], check=True, env=environment, capture_output=True)


def table(values):
    """Mean AUROC and the half-width of its 95% interval over the seeds, in percent."""
    lines = []
    for kind in NOISE:
        lines += [f"| {kind}: score, logits | " + " | ".join(str(e) for e in EPOCHS) + " |", "| --- |" + " ---: |" * len(EPOCHS)]
        rows = dict.fromkeys((v["score"], v["logits"]) for v in values if v["noise"] == kind)
        for score, logits in rows:
            cells = []
            for epochs in EPOCHS:
                key = (kind, score, logits, epochs)
                found = [100 * v["auroc"] for v in values if (v["noise"], v["score"], v["logits"], v["epochs"]) == key]
                half = student.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / len(found) ** 0.5
                cells.append(f"{np.mean(found):.1f} ± {half:.1f}")
            lines.append(f"| `{score}`, {logits} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 1)
