"""The kinds of tests: `units` yields the leading run and the runs of a unit, `values` one value per condition.

`levels` are the settings over which a correlation or a slope is computed."""

import math

from program import Program
from runs import decides, hold, matches, scaled
from seeds import Missing, mean, spearman


def sign(side):
    return 1.0 if side == "above" else -1.0


def reference(run, conditions, runs):
    """The run that differs from this one only as the conditions say."""
    return next((r for r in runs if r is not run and hold(conditions, r) and matches(run, r, conditions)), None)


class Kind:
    levels = ()


class Paired(Kind):
    def __init__(self, claim):
        self.quantity, self.scale = claim["quantity"], claim["scale"]
        side = claim.get("better") or claim["expect"]
        margin = -claim["margin"] if "better" in claim else claim.get("margin", 0.0)
        self.requirements = [(side, margin * sign(side))]
        self.sides = self.conditions = [claim["of"], claim["against"]]

    def units(self, runs, _):
        of, against = self.sides
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
        self.conditions = [*self.sides, self.within, self.beyond]

    def units(self, runs, _):
        inside = list(super().units([r for r in runs if hold(self.within, r)], None))
        outside = list(super().units([r for r in runs if hold(self.beyond, r)], None))
        for run, unit in inside:
            for other, beyond in outside:
                if matches(run, other, self.within, self.beyond):
                    yield run, (unit, beyond)
                    break

    def values(self, unit):
        return [super().values(unit[0])[0] - super().values(unit[1])[0]]


class WithinRun(Kind):
    def __init__(self, claim):
        self.dose, self.response = claim["dose"], claim["response"]
        self.scale = claim.get("scale", "ratio")
        self.reference = claim["reference"]
        self.requirements = [(claim["expect"], 0.0)] * 2
        self.conditions = [self.reference]

    def units(self, runs, all_runs):
        for run in runs:
            others = [r for r in runs if r.seed != run.seed and r.settings == run.settings]
            clean = reference(run, self.reference, all_runs)
            if clean and len(others) >= 2:
                yield run, (run, clean, others)

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


class Dose(Kind):
    def __init__(self, claim):
        self.over, self.dose, self.response = claim["over"], claim["dose"], claim["response"]
        self.levels = (self.over,)
        self.scale, self.reference = claim.get("scale", "ratio"), claim.get("reference", {})
        self.requirements = [(claim["expect"], 0.0)]
        self.conditions = [self.reference]

    def units(self, runs, all_runs):
        units = []
        for run in runs:
            clean = reference(run, self.reference, all_runs) if self.reference else None
            if self.reference and not clean:
                continue
            entry = (run, clean)
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


class Trend(Kind):
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


class Prediction(Kind):
    def __init__(self, claim):
        self.fit, self.model, self.against = claim["fit"], claim.get("model", MD), claim.get("against")
        self.requirements = [("below", 0.0)] * (1 if self.against else 2)
        self.conditions = [self.fit]

    def units(self, runs, _):
        fitted = [run for run in runs if hold(self.fit, run)]
        tested = [run for run in runs if not hold(self.fit, run)]
        for seed in sorted({run.seed for run in tested}):
            test = [run for run in tested if run.seed == seed]
            yield test[0], ([run for run in fitted if run.seed != seed], test)

    def values(self, unit):
        fit, test = ([self.point(run) for run in runs] for runs in unit)
        base, by_level = line([p["level"] for p in fit], [p["rho"] for p in fit])
        centre = mean([p["rho"] for p in fit])
        error = lambda predict: sum((p["rho"] - predict(p)) ** 2 for p in test)
        models = {MD: self.memorization_dilation, "jumps-relative": self.jumps, "ball-relative": self.ball}
        others = [lambda p: base + by_level * p["level"], lambda _: centre]
        if self.against:
            others = [models[self.against](fit)]
        own = error(models[self.model](fit))
        return [math.log(own / error(other)) for other in others]

    def point(self, run):
        return fit_point(run, "test.rho_nc1") | {
            "level": run.record["requested_noise"],
            "lambda": 0.5 * len(run.get("data.classes")) * run.get("optimizer.weight_decay"),
            "per_nc1": run.last("test.rho_nc1") ** 2 / run.last("test.dilation"),
        }

    def memorization_dilation(self, fit):
        rho_0, slope = line([p["eta"] * p["memorization"] for p in fit], [p["rho"] for p in fit])

        def predict(p):
            solved = Program.rho(*p["loss"], p["lambda"], p["lambda"], p["eta"], 1.0 / slope) if p["eta"] > 0.0 else 0.0
            return rho_0 + solved

        return predict

    def ball(self, fit):
        """A ball after collapse with a relative slope: rho is linear in the noise."""
        rho_0, cell, target = self.cells(fit)
        return lambda p: rho_0 + (target - rho_0) * p["eta"] / cell["eta"]

    def cells(self, fit):
        """Rho without noise; the cell with noise, and its rho."""
        rho_0 = mean([p["rho"] for p in fit if p["eta"] <= 0.0])
        noisy = [p for p in fit if p["eta"] > 0.0]
        assert len({(p["loss"], p["level"]) for p in noisy}) == 1, "the constant is fitted to one cell"
        cell = {"eta": mean([p["eta"] for p in noisy]), "per_nc1": noisy[0]["per_nc1"]}
        return rho_0, cell, mean([p["rho"] for p in noisy])

    def jumps(self, fit):
        """Jumps after collapse with a relative slope: the dose is the noise over a constant."""
        rho_0, cell, target = self.cells(fit)
        low, high = 0.0, 3.0
        for _ in range(100):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if rho_of_jumps(cell, middle / cell["eta"], rho_0) > target else (middle, high)
        return lambda p: rho_of_jumps(p, low / cell["eta"], rho_0)


MD = "memorization-dilation"


def rho_of_jumps(point, dose_over_eta, rho_0):
    """Rho if P(T > t) = 1 - exp(-dose (1 - t)) is the tail of the displacement, by Simpson's rule."""
    dose = dose_over_eta * point["eta"]
    steps = 400
    nodes = [(i / steps, (1 if i in (0, steps) else 4 if i % 2 else 2) / (3 * steps)) for i in range(steps + 1)]
    tail = lambda t: -math.expm1(-dose * (1.0 - t))
    first = sum(w * tail(t) for t, w in nodes)
    second = sum(w * 2.0 * t * tail(t) for t, w in nodes)
    shrink = 1.0 - 2.0 * first
    nc1 = 2.0 * (second - first**2) / shrink**2
    return math.sqrt((rho_0 / shrink) ** 2 + point["per_nc1"] * nc1)


def fit_point(run, quantity):
    """A run in the variables of the line rho = rho_0 + eta nu / C_MD."""
    share = run.record["realised_noise"]
    short = {"cross_entropy": "ce", "label_smoothing": "ls", "label_relaxation": "lr"}
    return {
        "eta": share / (1.0 - share),
        "memorization": run.last("memorization_mean") if share > 0.0 else 0.0,
        "rho": run.last(quantity),
        "loss": (short[run.get("loss.kind")], run.get("loss.alpha") or 0.0),
    }


class Slopes(Kind):
    """Slopes of a quantity in lambda."""

    levels = ("training.feature_decay", "optimizer.classifier_weight_decay", "training.epochs")

    def __init__(self, claim):
        self.quantity, self.largest = claim["quantity"], claim["largest_gradient_over_decay"]

    def over_lambda(self, runs):
        """The runs of each seed and setting over lambda."""
        groups = []
        for run in runs:
            group = next((group for group in groups if matches(group[0], run, dict.fromkeys(self.levels))), None)
            if group:
                group.append(run)
            else:
                groups.append([run])
        lambdas = [{self.penalties(run) for run in group} for group in groups]
        assert len(set(map(len, lambdas))) == 1 and len(lambdas[0]) >= 4, "a value of lambda is missing"
        return groups

    def penalties(self, run):
        share = run.record["realised_noise"]
        classifier, features = run.get("optimizer.classifier_weight_decay"), run.get("training.feature_decay")
        return classifier / (1.0 - share), 0.5 * features

    def value(self, run):
        if run.last("gradient_over_decay") > self.largest or run.last(self.quantity) <= 0.0:
            raise Missing
        return run.last(self.quantity)

    def slope(self, runs, values):
        return line([0.5 * math.log(math.prod(self.penalties(run))) for run in runs], list(map(math.log, values)))[1]

    def measured(self, runs):
        return self.slope(runs, list(map(self.value, runs)))


class SlopeDifference(Slopes):
    def __init__(self, claim):
        super().__init__(claim)
        self.requirements = [(claim["expect"], 0.0)]
        self.conditions = self.sides = [claim["of"], claim["against"]]

    def units(self, runs, _):
        of, against = (self.over_lambda([run for run in runs if hold(side, run)]) for side in self.sides)
        free = [*self.sides, dict.fromkeys(self.levels)]
        for group in of:
            for other in against:
                if matches(group[0], other[0], *free):
                    yield group[0], (group, other)
                    break

    def values(self, unit):
        of, against = unit
        return [self.measured(of) - self.measured(against)]


class ModelSlope(Slopes):
    def __init__(self, claim):
        super().__init__(claim)
        self.requirements = [("above", -claim["margin"]), ("below", claim["margin"])]
        self.conditions, self.fit = [], claim["fit"]

    def units(self, runs, all_runs):
        for group in self.over_lambda(runs):
            first = group[0]
            fitted = [run for run in all_runs if run.seed != first.seed and hold(self.fit, run) and self.agrees(run, first)]
            yield first, (group, fitted)

    def agrees(self, a, b):
        """True for runs that differ only in seed, loss, noise, lambda, and the settings that `fit` chooses."""
        free = lambda key: key.startswith(("loss.", "noise.")) or key in self.levels or decides(self.fit, key)
        return all(a.get(key) == b.get(key) for key in a.settings.keys() | b.settings.keys() if not free(key))

    def values(self, unit):
        runs, fitted = unit
        points = []
        for run in fitted:
            try:
                self.value(run)
            except Missing:
                continue
            points.append(fit_point(run, self.quantity))
        _, slope = line([p["eta"] * p["memorization"] for p in points], [p["rho"] for p in points])
        if slope <= 0.0:
            raise Missing
        model = []
        for run in runs:
            p = fit_point(run, self.quantity)
            model.append(Program.rho(*p["loss"], *self.penalties(run), p["eta"], 1.0 / slope, run.get("model.features")))
        if any(not rho for rho in model):
            raise Missing
        return [self.measured(runs) - self.slope(runs, model)] * 2


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
    "model_slope": ModelSlope,
    "slope_difference": SlopeDifference,
    "prediction": Prediction,
}
