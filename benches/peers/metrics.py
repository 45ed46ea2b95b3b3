"""Times NC1 = tr(Sigma_W Sigma_B^+) / K in NumPy and PyTorch, for comparison with memdil-metrics.

    python metrics.py torch|torch-eigh|numpy|projected h.npy y.npy [--runs R] [--limit SECONDS]

torch:        the usual d x d formula, vectorised: both covariances as matrices, then torch.linalg.pinv.
torch-eigh, numpy: the same with hermitian=True, which is less known and faster (in NumPy with the cutoff d eps that
              float32 needs).
projected:    without d x d matrices, as in memdil: class means by a one-hot product, the directions between them from
              a K x K eigenproblem, then one product over the samples, in blocks. This is the fastest form in NumPy, but
              it subtracts the class mean after the product and so loses digits if classes have collapsed far from the
              origin.

Computes in float32 on float32 features, except for sums over blocks and the K x K problem. Prints one JSON object: the
median of at most R runs after a warm-up in milliseconds, the value, the number of runs, and the peak of additional memory
in MiB. If the warm-up exceeds the limit, SIGALRM ends the process.
"""

import argparse
import json
import os
import signal
import statistics
import time

THREADS = int(os.environ.get("OMP_NUM_THREADS", "0"))

import numpy as np  # noqa: E402  (imported after OMP_NUM_THREADS is read)

BLOCK = 8192
BUDGET = 10  # seconds of timed runs after which no further run starts


def torch_dxd(h, y, classes, hermitian=False):
    """The d x d formula in PyTorch."""
    import torch

    n, d = h.shape
    counts = torch.bincount(y, minlength=classes).to(h.dtype)
    means = torch.zeros(classes, d, dtype=h.dtype).index_add_(0, y, h) / counts[:, None]
    residuals = h - means[y]
    sigma_w = residuals.T @ residuals / n
    centred = means - h.mean(0)
    sigma_b = centred.T @ centred / classes
    inverse = torch.linalg.pinv(sigma_b, hermitian=hermitian)
    # tr(A B) of symmetric matrices, without computing the product.
    return float((sigma_w * inverse).sum()) / classes


def torch_eigh(h, y, classes):
    """The d x d formula in PyTorch, with an eigendecomposition instead of singular values."""
    return torch_dxd(h, y, classes, hermitian=True)


def numpy_dxd(h, y, classes):
    """The d x d formula in NumPy."""
    n, d = h.shape
    means, mean = class_means(h, y, classes)
    residuals = h - means.astype(h.dtype)[y]
    sigma_w = residuals.T @ residuals / np.float32(n)
    centred = (means - mean).astype(h.dtype)
    sigma_b = centred.T @ centred / np.float32(classes)
    inverse = np.linalg.pinv(sigma_b, rcond=d * np.finfo(h.dtype).eps, hermitian=True)
    return float(np.vdot(sigma_w, inverse)) / classes


def numpy_projected(h, y, classes):
    """Two passes in O(n d K): the squared norms of G^+ M (h - class mean), where G = M M^T."""
    n, d = h.shape
    means, mean = class_means(h, y, classes)
    centred = means - mean
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = values > max(classes, d) * np.finfo(values.dtype).eps * values[-1]
    directions = (vectors[:, kept] / values[kept]).T @ centred
    targets = (means @ directions.T).astype(h.dtype)
    directions = np.ascontiguousarray(directions.T, dtype=h.dtype)
    total = 0.0
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        residuals = h[block] @ directions
        residuals -= targets[y[block]]
        total += float(np.vdot(residuals, residuals))
    return total / n


def class_means(h, y, classes):
    """Means of the classes and of all samples, in float64."""
    n, d = h.shape
    sums = np.zeros((classes, d))
    rows = np.arange(BLOCK)
    for start in range(0, n, BLOCK):
        labels = y[start : start + BLOCK]
        onehot = np.zeros((classes, len(labels)), h.dtype)
        onehot[labels, rows[: len(labels)]] = 1
        sums += onehot @ h[start : start + BLOCK]
    counts = np.bincount(y, minlength=classes)
    return sums / counts[:, None], sums.sum(0) / n


def memory(key):
    """A value of /proc/self/status in MiB, or None if it does not exist."""
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith(key + ":"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("route", choices=["torch", "torch-eigh", "numpy", "projected"])
    parser.add_argument("features")
    parser.add_argument("labels")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=int, default=60)
    arguments = parser.parse_args()

    h, y = np.load(arguments.features), np.load(arguments.labels).astype(np.int64)
    classes = int(y.max()) + 1
    routes = {"torch": torch_dxd, "torch-eigh": torch_eigh, "numpy": numpy_dxd, "projected": numpy_projected}
    function = routes[arguments.route]
    if arguments.route.startswith("torch"):
        import torch

        if THREADS:
            torch.set_num_threads(THREADS)
        h, y = torch.from_numpy(h), torch.from_numpy(y)
        torch.set_grad_enabled(False)
    try:  # Reset the peak of memory, so that it excludes the loading of the arrays.
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        pass
    loaded = memory("VmRSS")

    signal.alarm(arguments.limit)
    value = function(h, y, classes)
    signal.alarm(0)
    times = []
    while len(times) < arguments.runs and sum(times) < 1000 * BUDGET:
        start = time.perf_counter()
        function(h, y, classes)
        times.append(1000 * (time.perf_counter() - start))
    peak = memory("VmHWM")
    extra = None if loaded is None or peak is None else peak - loaded
    print(json.dumps({"ms": statistics.median(times), "nc1": value, "runs": len(times), "extra_mib": extra}))


main()
