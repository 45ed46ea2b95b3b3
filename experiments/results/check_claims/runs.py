"""Runs, their settings, and conditions on settings."""

import math

from seeds import Missing

# Pairs of a setting and a second one whose default follows from it.
DERIVED = {
    ("data.classes", "model.features"),
    ("optimizer.weight_decay", "optimizer.classifier_weight_decay"),
    ("optimizer.decoupled_weight_decay", "optimizer.decoupled_classifier_weight_decay"),
}


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
    keys = a.settings.keys() | b.settings.keys()
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
