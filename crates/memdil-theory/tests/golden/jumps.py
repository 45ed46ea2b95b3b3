"""Solves the memorization-dilation model with jumps in all of its variables.

    python3 jumps.py > jumps.json

Variables are the classifier, two class features and two noisy features in the plane; nothing is reduced
by symmetry. Expectations are sums over fixed nodes, gradients are exact (complex step). Each setting is
minimised from 40 random starting points by L-BFGS-B, and the lowest result is refined by Newton's method.
Needs NumPy and SciPy; uses no code of the crate.
"""

import itertools
import json

import numpy as np
from scipy.optimize import minimize

NODES, WEIGHTS = np.polynomial.legendre.leggauss(80)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2


def softplus(z):
    """log(1 + e^z) for complex z with a tiny imaginary part."""
    return np.where(z.real > 0, z, 0) + np.log(1 + np.exp(np.where(z.real > 0, -z, z)))


def margin_loss(kind, alpha):
    """The loss of a margin, its infimum, and its kink or steepest bend."""
    if kind == "ce":
        return lambda z: softplus(-z), 0.0, 0.0
    a = alpha / 2 if kind == "ls" else alpha
    entropy = -a * np.log(a) - (1 - a) * np.log1p(-a)
    target = np.log((1 - a) / a)

    def above(z):
        return (1 - a) * softplus(-z) + a * softplus(z) - entropy

    if kind == "ls":
        return above, entropy, 0.0
    return lambda z: np.where(z.real < target, above(z), 0), 0.0, target


def length(x):
    return np.sqrt(np.sum(x * x))


def excess(x, setting, loss, bend):
    """The risk above its infimum."""
    w, h, u = x[:4].reshape(2, 2), x[4:8].reshape(2, 2), x[8:].reshape(2, 2)
    eta = setting["eta"]
    value = setting["lambda_w"] * np.sum(w * w)
    for k in (0, 1):
        ours = w[k] - w[1 - k]
        # Noisy samples of true class k are labelled 1 - k.
        start, end = h[k], u[1 - k]
        dose = 2 * eta * length(start - end) / setting["c_md"]
        a, b = ours @ start, ours @ end
        cuts = [(a - m) / (a - b) for m in (bend + 8, bend, bend - 8)] if a != b else []
        cuts = sorted([0.0, *(c for c in cuts if 0 < c.real < 1), 1.0], key=lambda c: np.real(c))
        t = np.concatenate([p + (q - p) * NODES for p, q in itertools.pairwise(cuts)])
        mass = np.concatenate([(q - p) * WEIGHTS for p, q in itertools.pairwise(cuts)])
        mass = mass * dose * np.exp(-dose * (1 - t))
        place = start[:, None] + (end - start)[:, None] * t
        rest = np.exp(-dose)
        value = value + rest * (loss(np.array([a]))[0] + setting["lambda_h"] * np.sum(start * start))
        value = value + np.sum(mass * (loss(ours @ place) + setting["lambda_h"] * np.sum(place * place, 0)))
        own = np.array([ours @ u[k]])
        value = value + eta * (loss(own)[0] + setting["lambda_h"] * np.sum(u[k] * u[k]))
    return value


def gradient(x, *problem):
    steps = 1e-30j * np.eye(12)
    return np.array([excess(x + step, *problem).imag / 1e-30 for step in steps])


def refine(x, lower, *problem):
    """Newton steps in the variables that are not at their bound, with a pseudo-inverse: the minimum is not unique."""
    for _ in range(40):
        slope = gradient(x, *problem)
        free = (x > lower + 1e-9) | (slope < 0)
        curve = np.array([(gradient(x + h, *problem) - gradient(x - h, *problem)) / 2e-6 for h in 1e-6 * np.eye(12)])
        step = np.zeros(12)
        step[free] = -np.linalg.pinv(curve[np.ix_(free, free)], rcond=1e-9) @ slope[free]
        there = np.maximum(x + step, lower)
        before, after = (np.real(excess(y.astype(complex), *problem)) for y in (x, there))
        if after > before * (1 + 1e-14):
            break
        x = there
        if np.max(np.abs(step)) < 1e-12:
            break
    return x


def solve(setting):
    loss, infimum, bend = margin_loss(setting["loss"], setting["alpha"])
    problem = (setting, loss, bend)
    floor = 0.0 if setting["nonnegative"] else -np.inf
    lower = np.array([-np.inf] * 4 + [floor] * 8)
    random, best = np.random.default_rng(5), None
    for _ in range(40):
        scale = 10 ** random.uniform(-1.5, 0.5)
        apart = random.uniform(1, 6) / scale
        h = scale * np.array([1, 0, 0, 1]) if setting["nonnegative"] else scale * np.array([1, 0, -1, 0])
        w = apart * (np.array([1, -1, -1, 1]) if setting["nonnegative"] else np.array([1, 0, -1, 0])) / 2
        mix = random.uniform(0, 1)
        u = (1 - mix) * np.roll(h, 2) + mix * h
        start = np.concatenate([w, h, u]) + 0.05 * random.standard_normal(12) * np.repeat([apart, scale], [4, 8])
        start = np.maximum(start, lower)
        value = lambda x: (np.real(excess(x.astype(complex), *problem)), gradient(x.astype(complex), *problem))
        end = minimize(value, start, jac=True, method="L-BFGS-B", bounds=[(b, None) for b in lower],
                       options={"maxiter": 3000, "ftol": 1e-15, "gtol": 1e-10, "maxfun": 5000})
        if best is None or end.fun < best.fun:
            best = end
    return describe(refine(best.x, lower, *problem), setting, infimum, problem)


def describe(x, setting, infimum, problem):
    w, h, u = x[:4].reshape(2, 2), x[4:8].reshape(2, 2), x[8:].reshape(2, 2)
    separation, memorization = length(h[0] - h[1]), length(h[0] - u[1])
    assert abs(memorization / length(h[1] - u[0]) - 1) < 1e-6, "the classes are not symmetric"
    dose = 2 * setting["eta"] * memorization / setting["c_md"]
    # T = 1 + log(v)/dose for v uniform on (0, 1), at least 0: its moments, from the tail.
    tail = 1 - np.exp(-dose * (1 - NODES))
    first, second = np.sum(WEIGHTS * tail), np.sum(WEIGHTS * 2 * NODES * tail)
    means = h + first * (u[::-1] - h)
    apart = length(means[0] - means[1])
    along = (means[0] - means[1]) / apart
    spread = np.sqrt((second - first**2) * memorization**2)
    variance = (second - first**2) * np.mean([((u[1 - k] - h[k]) @ along) ** 2 for k in (0, 1)])
    clean, noisy = ((w[0] - w[1]) @ h[0], (w[0] - w[1]) @ u[0])
    crossing = clean / (clean + noisy)
    return {
        "risk": np.real(excess(x.astype(complex), *problem)) + 2 * (1 + setting["eta"]) * infimum,
        "radius": spread,
        "separation": separation,
        "rho": spread / apart,
        "nc1": 2 * variance / apart**2,
        "moved_share": 1 - np.exp(-dose),
        "wrong_side": 1 - np.exp(-dose * (1 - crossing)) if noisy > 0 else 0.0,
        "memorization": memorization,
        "logit_clean": clean,
        "logit_noisy": noisy,
    }


def main():
    losses = [("ce", 0.0), ("ls", 0.1), ("lr", 0.1), ("ls", 0.3)]
    cases = [
        (1e-2, 1e-2, 0.1, 0.5, True),
        (1e-3, 1e-3, 0.1, 0.5, True),
        (1e-3, 1e-3, 0.3, 0.2, True),
        (1e-4, 1e-3, 0.05, 1.0, True),
        (5e-3, 1e-3, 0.2, 0.1, False),
        (1e-4, 1e-4, 0.25, 2.0, False),
    ]
    solved = []
    for (kind, alpha), (lambda_w, lambda_h, eta, c_md, nonnegative) in itertools.product(losses, cases):
        setting = {
            "loss": kind, "alpha": alpha, "lambda_w": lambda_w, "lambda_h": lambda_h, "eta": eta, "c_md": c_md,
            "measure": "jumps", "dim": 2, "nonnegative": nonnegative,
        }
        solved.append(setting | {key: float(value) for key, value in solve(setting).items()})
    print(json.dumps(solved, indent=1))


if __name__ == "__main__":
    main()
