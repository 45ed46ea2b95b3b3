"""Claims without seeds: closed forms and solved models."""

import concurrent.futures
import math
import os

from program import Program
from verdicts import close


def closed_form(spec):
    """Objective, logit gap and squared norms of the layer-peeled model's minimiser (docs/src/theory.md)."""
    n, decay_w, decay_h = spec["classes"], spec["lambda_w"], spec["lambda_h"]
    alpha, signed = spec["loss"].get("alpha", 0.0), not spec["nonnegative"]
    c = 2.0 * (n - 1) * math.sqrt(decay_w * decay_h / n) if signed else 2.0 * math.sqrt((n - 1) * decay_w * decay_h)
    rest = alpha * (n - 1) / n + c
    gap = math.log((1.0 - rest) * (n - 1) / rest) if 1.0 - rest > 1.0 / n else 0.0
    square = gap * math.sqrt(decay_w * (n if signed else n - 1) / decay_h)
    feature = square * (n - 1) / n if signed else square
    weight = gap**2 / square * (n - 1) / n if square > 0.0 else 0.0
    objective = math.log(math.exp(gap) + n - 1) - (1.0 - alpha + alpha / n) * gap + c * gap
    return {"objective": objective, "logit_gap": gap, "feature_sq_norm": feature, "weight_row_sq_norm": weight}


def layer_peeled(records):
    """Number of trainings and largest error of the claim that gradient descent reaches the minimiser."""
    errors = []
    for record in records:
        minimiser = closed_form(record["spec"])
        errors.append(max(abs(record["end"][key] - value) / (abs(value) or 1.0) for key, value in minimiser.items()))
    return {"layer-peeled/closed-form": (len(errors), max(errors), max(errors) <= 1e-6)}


def solved_model():
    """Number of points and effect of the claims about the solved model, by id, as crates/memdil-report/src/theory states them."""
    decades = lambda first, last, steps: [10.0 ** (first + i / steps) for i in range((last - first) * steps + 1)]
    ls, ce = (lambda decay, loss=loss: Program.rho(*loss, decay, decay, 0.1, 0.5) for loss in [("ls", 0.1), ("ce", 0.0)])
    low, high = decades(-10, -9, 4)[:2]
    slope = math.log(ls(high) / ls(low)) / math.log(high / low)
    vanishing = [ce(10.0**power) for power in range(-8, -21, -2)]
    limit = 1.0 - math.sqrt(0.5)

    settings = [(0.1, eta, w, h) for eta in (0.1, 0.4) for w in decades(-7, 1, 7) for h in decades(-7, 1, 7)]
    alphas, etas = (0.02, 0.05, 0.2, 0.3), (0.01, 0.1, 0.2, 0.3, 0.45)
    settings += [(alpha, eta, w, h) for alpha in alphas for eta in etas for w in decades(-7, -1, 1) for h in decades(-7, -1, 1)]
    settings = [setting for setting in settings if setting[2] <= 0.1 * (1.0 + 1e-9)]

    def ratio(setting):
        alpha, eta, w, h = setting
        smoothing, entropy = Program.rho("ls", alpha, w, h, eta, 1.0), Program.rho("ce", 0.0, w, h, eta, 1.0)
        return None if smoothing is None or entropy is None else smoothing / entropy

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        ratios = [found for found in pool.map(ratio, settings) if found is not None]
    return {
        "md-theory/ls-slope": (2, slope, abs(4.0 * slope - 1.0) <= 0.01),
        "md-theory/ce-limit": (len(vanishing), 100.0 * (vanishing[-1] / limit - 1.0), approaches(vanishing, limit)),
        "md-theory/ls-below-ce": (len(ratios), 100.0 * (max(ratios) - 1.0), max(ratios) < 1.0),
    }


def approaches(rhos, limit):
    """Whether rho at decays of 1e-8, 1e-10, ..., 1e-20 approaches the limit at every step, and its extrapolation is within 0.5%."""
    distances = [abs(rho - limit) for rho in rhos]
    x0, x1 = (1.0 / math.log(decay) for decay in (1e-18, 1e-20))
    extrapolated = rhos[-1] - x1 * (rhos[-1] - rhos[-2]) / (x1 - x0)
    return all(b < a for a, b in zip(distances, distances[1:])) and abs(extrapolated / limit - 1.0) <= 0.005


def exact(claims, stored):
    """The differences of claims without seeds."""
    faults = []
    for id, (n, effect, holds) in claims.items():
        checks = [("n", n, stored[id]["n"], 0), ("effect", effect, stored[id]["effect"], 1e-6)]
        checks += [("verdict", "supported" if holds else "refuted", stored[id]["verdict"], None)]
        for what, mine, theirs, by in checks:
            if not (mine == theirs if by is None else close(mine, theirs, by)):
                faults.append(f"{id}: {what} {mine}, stored {theirs}")
    return faults
