"""Recomputes the verdicts of claims.json from the stored records, with the standard library alone.

python check_claims.py experiments/results/standard target/memdil

An implementation of docs/src/claims.md that shares no code with memdil-claims. It reads the declarations in
experiments/*.toml, the records in runs.jsonl and the courses of training in courses.jsonl. `pair.` quantities need the features of
runs, which are not stored: their values per seed are read from claims.json. The memorization-dilation model is solved by the program.
"""

import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys
import tomllib
from collections import defaultdict

SEEDS_NEEDED, LEVEL = 6, 0.05
DERIVED = {
    ("data.classes", "model.features"),
    ("optimizer.weight_decay", "optimizer.classifier_weight_decay"),
    ("optimizer.decoupled_weight_decay", "optimizer.decoupled_classifier_weight_decay"),
}


class Missing(Exception):
    """The value of a run is not recorded or not defined."""


# Student's t.


def beta_fraction(a, b, x):
    """The continued fraction of the incomplete beta function (Lentz's method)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(abs(1.0 - (a + b) * x / (a + 1.0)), tiny)
    h = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            h *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return h


def incomplete_beta(a, b, x):
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * beta_fraction(a, b, x) / a
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b


def two_sided(t, freedom):
    """P(|T| > |t|)."""
    return incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))


def quantile(freedom):
    """The t with P(|T| > t) = 0.05."""
    low, high = 0.0, 1e3
    for _ in range(200):
        middle = (low + high) / 2.0
        low, high = (middle, high) if two_sided(middle, freedom) > 1.0 - 0.95 else (low, middle)
    return (low + high) / 2.0


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    centre = mean(values)
    return math.sqrt(sum((v - centre) ** 2 for v in values) / (len(values) - 1))


def interval(values):
    half = quantile(len(values) - 1) * deviation(values) / math.sqrt(len(values))
    return [mean(values) - half, mean(values) + half]


def t_test(values, bound):
    t = (mean(values) - bound) * math.sqrt(len(values)) / deviation(values)
    return min(two_sided(t, len(values) - 1), 1.0)


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    found, start = [0.0] * len(values), 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            found[i] = (start + 1 + end) / 2.0
        start = end
    return found


def spearman(x, y):
    x, y = ranks(x), ranks(y)
    centre = (len(x) + 1) / 2.0
    xy = sum((a - centre) * (b - centre) for a, b in zip(x, y))
    xx, yy = (sum((a - centre) ** 2 for a in values) for values in (x, y))
    if len(x) < 3 or xx <= 0.0 or yy <= 0.0:
        raise Missing
    return xy / math.sqrt(xx * yy)


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, largest = [0.0] * len(p), 0.0
    for step, i in enumerate(order):
        largest = max(largest, min(p[i] * (len(p) - step), 1.0))
        found[i] = largest
    return found


# Runs and conditions on their settings.


def flatten(value, prefix=""):
    if not isinstance(value, dict):
        return {prefix: value}
    settings = {}
    for key, inner in value.items():
        settings |= flatten(inner, f"{prefix}.{key}" if prefix else key)
    return settings


class Run:
    def __init__(self, record, course, searched):
        self.record, self.course, self.seed = record, course, record["spec"]["seed"]
        self.settings = flatten(record["spec"])
        for key in ["experiment", "seed", "loss.transition", *searched]:
            self.settings.pop(key, None)

    def get(self, key):
        return self.settings.get(key)

    def last(self, path):
        value = self.record.get("last")
        for key in path.split("."):
            value = (value or {}).get(key)
        if value is None:
            raise Missing
        return value

    def points(self, *paths):
        """The epochs at which all quantities are defined, with their values."""
        if self.course is None or any(path not in self.course for path in paths):
            return []
        rows = zip(self.course["epoch"], *(self.course[path] for path in paths))
        return [row for row in rows if all(value is not None for value in row)]


def equal(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def allowed(condition, value):
    if isinstance(condition, dict):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and condition.get("above", -math.inf) < value < condition.get("below", math.inf)
    if isinstance(condition, list) and any(equal(one, value) for one in condition):
        return True
    return equal(condition, value)


def hold(conditions, run):
    return all(allowed(condition, run.get(key)) for key, condition in conditions.items())


def decides(conditions, key):
    return any(
        own == key or (own, key) in DERIVED or (own.endswith(".kind") and key.startswith(own[: -len("kind")]))
        for own in conditions
    )


def matches(a, b, *free):
    keys = (a.settings.keys() | b.settings.keys()) - {"experiment"}
    return a.seed == b.seed and all(
        a.get(key) == b.get(key) for key in keys if not any(decides(conditions, key) for conditions in free)
    )


def scaled(scale, value):
    if scale == "difference":
        return value
    if value <= 0.0:
        raise Missing
    return math.log(value)


def shown(value):
    if isinstance(value, list):
        return "-".join(map(shown, value))
    return "none" if value is None else str(value)


# Kinds of tests: `units` yields the leading run and the runs of a unit, `values` one value per condition.


def sign(side):
    return 1.0 if side == "above" else -1.0


class Paired:
    def __init__(self, claim):
        self.claim = claim
        self.quantity, self.scale = claim["quantity"], claim["scale"]
        side = claim.get("better") or claim["expect"]
        margin = -claim["margin"] if "better" in claim else claim.get("margin", 0.0)
        self.requirements = [(side, margin * sign(side))]
        self.conditions = [claim["of"], claim["against"]]

    def units(self, runs, _):
        of, against = self.conditions
        for run in runs:
            if hold(of, run):
                others = [r for r in runs if r is not run and hold(against, r) and matches(run, r, of, against)]
                if others:
                    yield run, (run, others)

    def values(self, unit):
        run, others = unit
        value = lambda r: scaled(self.scale, r.last(self.quantity))
        return [value(run) - mean([value(other) for other in others])]


class Interaction(Paired):
    def __init__(self, claim):
        super().__init__(claim)
        self.within, self.beyond = claim["within"], claim["beyond"]
        self.pairs = list(self.conditions)
        self.conditions += [self.within, self.beyond]

    def units(self, runs, _):
        self.conditions, kept = self.pairs, self.conditions
        inside = list(super().units([r for r in runs if hold(self.within, r)], None))
        outside = list(super().units([r for r in runs if hold(self.beyond, r)], None))
        self.conditions = kept
        for run, unit in inside:
            for other, beyond in outside:
                if matches(run, other, self.within, self.beyond):
                    yield run, (unit, beyond)
                    break

    def values(self, unit):
        return [super().values(unit[0])[0] - super().values(unit[1])[0]]


class WithinRun:
    def __init__(self, claim):
        self.dose, self.response = claim["dose"], claim["response"]
        self.scale = claim.get("scale", "ratio")
        self.reference = claim["reference"]
        self.requirements = [(claim["expect"], 0.0)] * 2
        self.conditions = [self.reference]

    def units(self, runs, all_runs):
        for run in runs:
            others = [r for r in runs if r.seed != run.seed and r.settings == run.settings]
            clean = [r for r in all_runs if r is not run and hold(self.reference, r) and matches(run, r, self.reference)]
            if clean and len(others) >= 2:
                yield run, (run, clean[0], others)

    def values(self, unit):
        run, clean, others = unit
        base = dict(clean.points(self.response))
        course = {
            epoch: scaled(self.scale, value) - scaled(self.scale, base[epoch])
            for epoch, value in run.points(self.response)
            if epoch in base
        }
        own = self.increments(run, course)
        control = [self.increments(other, course) for other in others]
        points = run.points(self.dose, self.response)
        least = min(points, key=lambda point: point[1])
        return [own - mean(control), scaled(self.scale, points[-1][2]) - scaled(self.scale, least[2])]

    def increments(self, run, course):
        points = [(dose, course[epoch]) for epoch, dose in run.points(self.dose) if epoch in course]
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(points, points[1:])]
        if len(steps) < 12:
            raise Missing
        return spearman(*zip(*steps))


class Dose:
    def __init__(self, claim):
        self.over, self.dose, self.response = claim["over"], claim["dose"], claim["response"]
        self.scale, self.reference = claim.get("scale", "ratio"), claim.get("reference", {})
        self.requirements = [(claim["expect"], 0.0)]
        self.conditions = [self.reference]

    def units(self, runs, all_runs):
        units = []
        for run in runs:
            clean = [r for r in all_runs if r is not run and hold(self.reference, r) and matches(run, r, self.reference)]
            if self.reference and not clean:
                continue
            entry = (run, clean[0] if self.reference else None)
            for unit in units:
                if matches(unit[0][0], run, {self.over: None}):
                    unit.append(entry)
                    break
            else:
                units.append([entry])
        for unit in units:
            if len(unit) >= 5:
                yield unit[0][0], unit

    def values(self, unit):
        value = lambda run: scaled(self.scale, run.last(self.response))
        unit = sorted(unit, key=lambda entry: entry[0].get(self.over))
        doses = [run.last(self.dose) for run, _ in unit]
        return [spearman(doses, [value(run) - (value(clean) if clean else 0.0) for run, clean in unit])]


class Trend:
    def __init__(self, claim):
        self.quantity, self.scale, self.start = claim["quantity"], claim["scale"], claim["from"]
        self.baseline = claim.get("baseline")
        self.requirements = [(claim["expect"], 0.0)] * (2 if self.baseline else 1)
        self.conditions = []

    def units(self, runs, _):
        return ((run, run) for run in runs)

    def values(self, run):
        reached = [epoch for epoch, value in run.points(self.start["quantity"]) if value >= self.start["at_least"]]
        points = dict(run.points(self.quantity))
        last = run.course["epoch"][-1]
        if not reached or reached[0] == last or last not in points:
            raise Missing
        end = scaled(self.scale, points[last])
        values = [end - scaled(self.scale, points[reached[0]])]
        if self.baseline:
            values.append(end - scaled(self.scale, dict(run.points(self.baseline))[last]))
        return values


class Program:
    """Solutions of the memorization-dilation model by `memdil theory md`: two classes, sphere, P = 2, non-negative features."""

    path = None

    @classmethod
    def rho(cls, loss, alpha, lambda_w, lambda_h, eta, c_md):
        numbers = zip(["--alpha", "--lambda-w", "--lambda-h", "--eta", "--c-md"], [alpha, lambda_w, lambda_h, eta, c_md])
        arguments = [word for name, number in numbers for word in (name, repr(number))]
        command = [cls.path, "theory", "md", "--loss", loss, *arguments, "--measure", "sphere", "--dim", "2", "--nonnegative", "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout).get("rho")


class Prediction:
    def __init__(self, claim):
        self.fit = claim["fit"]
        self.requirements = [("below", 0.0)] * 2
        self.conditions = [self.fit]

    def units(self, runs, _):
        fitted = [run for run in runs if hold(self.fit, run)]
        tested = [run for run in runs if not hold(self.fit, run)]
        for seed in sorted({run.seed for run in tested}):
            test = [run for run in tested if run.seed == seed]
            yield test[0], ([run for run in fitted if run.seed != seed], test)

    def values(self, unit):
        fit, test = unit
        points = [self.point(run) for run in fit]
        rho_0, slope = line([p["eta"] * p["memorization"] for p in points], [p["rho"] for p in points])
        base, by_level = line([p["level"] for p in points], [p["rho"] for p in points])
        centre = mean([p["rho"] for p in points])
        errors = [0.0, 0.0, 0.0]
        for run in test:
            p = self.point(run)
            model = rho_0 + self.solved(p, 1.0 / slope)
            for i, found in enumerate((model, base + by_level * p["level"], centre)):
                errors[i] += (p["rho"] - found) ** 2
        return [math.log(errors[0] / errors[1]), math.log(errors[0] / errors[2])]

    def point(self, run):
        share = run.record["realised_noise"]
        return {
            "eta": share / (1.0 - share),
            "level": run.record["requested_noise"],
            "memorization": run.last("memorization_mean") if share > 0.0 else 0.0,
            "rho": run.last("test.rho_nc1"),
            "lambda": 0.5 * len(run.get("data.classes")) * run.get("optimizer.weight_decay"),
            "loss": {"cross_entropy": "ce", "label_smoothing": "ls", "label_relaxation": "lr"}[run.get("loss.kind")],
            "alpha": run.get("loss.alpha") or 0.0,
        }

    def solved(self, point, c_md):
        if point["eta"] <= 0.0:
            return 0.0
        return Program.rho(point["loss"], point["alpha"], point["lambda"], point["lambda"], point["eta"], c_md)


def line(x, y):
    """Intercept and slope of the least-squares line."""
    centre_x, centre_y = mean(x), mean(y)
    slope = sum((a - centre_x) * (b - centre_y) for a, b in zip(x, y)) / sum((a - centre_x) ** 2 for a in x)
    return centre_y - slope * centre_x, slope


KINDS = {
    "paired": Paired,
    "non_inferior": Paired,
    "interaction": Interaction,
    "within_run": WithinRun,
    "dose": Dose,
    "trend": Trend,
    "prediction": Prediction,
}


# Panels, cells and members of a family.


def varying(runs, wanted):
    keys = {key for run in runs for key in run.settings if wanted(key)}
    return sorted(key for key in keys if any(run.get(key) != runs[0].get(key) for run in runs))


def distinguishing(runs, names):
    """The names without those whose values follow from the others."""
    rank = lambda name: 0 if name == "data.classes" else 1 if name.startswith("model.") and name != "model.features" else 2
    distinct = lambda names: len({tuple(shown(run.get(name)) for name in names) for run in runs})
    kept = sorted(names, key=rank)
    for name in reversed(list(kept)):
        fewer = [other for other in kept if other != name]
        if distinct(fewer) == distinct(names):
            kept = fewer
    return sorted(kept)


def slug(key):
    return "-".join(value if name == "data.classes" else f"{name.rsplit('.', 1)[-1]}-{value}" for name, value in key)


def panels(claim, kind, runs):
    """The panels with the units of their cells by seed: {slug: [{seed: unit}]}."""
    chosen = [run for run in runs if hold(claim.get("where", {}), run)]
    over = claim.get("over")
    own = lambda key: key == over or any(decides(conditions, key) for conditions in kind.conditions)
    groups = defaultdict(list)
    if "panels" in claim:
        for conditions in claim["panels"]:
            key = tuple(sorted((name, shown(value)) for name, value in conditions.items()))
            groups[key] = [run for run in chosen if hold(conditions, run)]
    else:
        names = varying(chosen, lambda key: not (key.startswith(("loss.", "noise.")) or own(key)))
        names = distinguishing(chosen, names)
        for run in chosen:
            groups[tuple((name, shown(run.get(name))) for name in names)].append(run)
    found = {}
    for key, members in groups.items():
        names = varying(members, lambda key: key != over)
        cells = defaultdict(dict)
        for run, unit in kind.units(members, runs):
            identity = () if claim["test"] == "prediction" else tuple(shown(run.get(name)) for name in names)
            assert run.seed not in cells[identity], "two runs of one seed are identical"
            cells[identity][run.seed] = unit
        cells = list(cells.values())
        enough = [cell for cell in cells if len(cell) >= SEEDS_NEEDED]
        if cells:
            found[slug(key)] = enough or cells
    return found


def average(sets):
    seeds = set.intersection(*(set(values) for values in sets)) if sets else set()
    return {seed: [mean(column) for column in zip(*(values[seed] for values in sets))] for seed in sorted(seeds)}


def common(cells):
    return set.intersection(*(set(cell) for cell in cells))


def measured(kind, cells):
    sets = []
    for cell in cells:
        values = {}
        for seed, unit in cell.items():
            try:
                values[seed] = kind.values(unit)
            except Missing:
                pass
        sets.append(values)
    return average(sets)


def family(experiment, source, claims, runs, stored):
    """The members: id, planned seeds, requirements, values by seed."""
    members = []
    for claim in claims:
        kind = KINDS[claim["test"]](claim)
        by_panel = panels(claim, kind, runs)
        shown_panels = {name: cells for name, cells in by_panel.items() if len(common(cells)) >= SEEDS_NEEDED} or by_panel
        name, several = f"{experiment}/{source}/{claim['id']}", len(shown_panels) > 1
        found = []
        for panel, cells in shown_panels.items():
            id = f"{name}/{panel}" if several else name
            if claim.get("quantity", "").startswith("pair."):
                values = {int(seed): list(v) for seed, v in stored[id]["values"].items()}
            else:
                values = measured(kind, cells)
            found.append((id, len(common(cells)), kind.requirements, values))
        members += found
        if several:
            seeds = len(set.intersection(*(common(cells) for cells in shown_panels.values())))
            members.append((f"{name}/mean", seeds, kind.requirements, average([values for *_, values in found])))
    return members


# Verdicts, and their comparison with the stored ones.


def on_side(value, side, bound):
    return (value - bound) * sign(side) > 0.0


def verdict(requirements, columns, p, p_holm):
    if len(columns[0]) < SEEDS_NEEDED:
        return "inconclusive"
    crosses = False
    for (side, bound), values in zip(requirements, columns):
        ends = interval(values)
        other = "below" if side == "above" else "above"
        if all(on_side(end, other, bound) for end in ends):
            return "refuted"
        crosses |= not all(on_side(end, side, bound) for end in ends)
    if crosses or p is None or p_holm is None or p_holm >= LEVEL:
        return "inconclusive"
    return "supported"


def converted(unit, value):
    if unit == "percent":
        return 100.0 * math.expm1(min(value, 100.0))
    return 100.0 * value if unit == "percentage_points" else value


def close(a, b, tolerance):
    if a is None or b is None:
        return a is b
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def compare(members, stored):
    """The differences between recomputed and stored results, as text."""
    faults, p = [], []
    for id, _, requirements, values in members:
        columns = list(zip(*values.values()))
        found = [t_test(column, bound) for (_, bound), column in zip(requirements, columns)]
        p.append(max(found) if len(values) >= SEEDS_NEEDED else None)
    counted = [i for i, (_, planned, *_) in enumerate(members) if planned >= SEEDS_NEEDED]
    corrected = dict(zip(counted, holm([1.0 if p[i] is None else p[i] for i in counted])))
    for i, (id, _, requirements, values) in enumerate(members):
        claim, columns = stored[id], list(zip(*values.values()))
        if not columns:
            faults.append(f"{id}: no value could be computed")
            continue
        outcomes = [claim, *claim.get("conditions", [])]
        for outcome, column in zip(outcomes, columns):
            unit = outcome["unit"]
            checks = [("effect", converted(unit, mean(column)), outcome.get("effect"))]
            if len(column) >= SEEDS_NEEDED:
                ends = [converted(unit, end) for end in interval(column)]
                checks += zip(["low", "high"], ends, outcome.get("interval", [None, None]))
            faults += [f"{id}: {what} {mine}, stored {theirs}" for what, mine, theirs in checks if not close(mine, theirs, 1e-9)]
        checks = [("n", len(values), claim["n"], 0), ("family", len(counted) if i in corrected else None, claim.get("family"), 0)]
        checks += [("p", p[i], max(outcome.get("p", 1.0) for outcome in outcomes) if p[i] is not None else None, 1e-9)]
        checks += [("p_holm", corrected.get(i), claim.get("p_holm"), 1e-9)]
        faults += [f"{id}: {what} {mine}, stored {theirs}" for what, mine, theirs, by in checks if not close(mine, theirs, by)]
        mine = verdict(requirements, columns, p[i], corrected.get(i))
        if mine != claim["verdict"]:
            faults.append(f"{id}: verdict {mine}, stored {claim['verdict']}")
    return faults


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


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def main(folder, preset):
    folder = pathlib.Path(folder)
    stored = {claim["id"]: claim for claim in json.loads((folder / "claims.json").read_text())}
    courses = {course["id"]: course for course in read(folder / "courses.jsonl")}
    by_family = defaultdict(list)
    for record in read(folder / "runs.jsonl"):
        by_family[record["spec"]["experiment"], record["spec"]["data"]["source"]].append(record)
    faults, checked = [], set()
    for (experiment, source), records in sorted(by_family.items()):
        declared = tomllib.loads((pathlib.Path(__file__).parents[1] / f"{experiment}.toml").read_text())
        searched = declared.get("search", {}).get("space", {})
        runs = [Run(record, courses.get(record["id"]), searched) for record in records]
        claims = [c for c in declared.get("claim", []) if preset in c.get("presets", [preset])]
        claims = [c for c in claims if allowed(c.get("where", {}).get("data.source", source), source)]
        members = family(experiment, source, claims, runs, stored)
        faults += compare(members, stored)
        checked |= {id for id, *_ in members}
    claims = layer_peeled(read(folder / "layer-peeled.jsonl")) | solved_model()
    faults += exact(claims, stored)
    checked |= claims.keys()
    for id in sorted(stored.keys() - checked):
        print(f"not recomputed: {id}")
    for fault in faults:
        print(f"different: {fault}")
    print(f"{len(checked)} of {len(stored)} claims recomputed, {len(faults)} differences")
    return 1 if faults or not checked else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check_claims.py RESULTS PROGRAM, for example: check_claims.py experiments/results/standard target/memdil")
    Program.path = sys.argv[2]
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[1]).name))
