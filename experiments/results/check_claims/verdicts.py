"""Verdicts, and their comparison with the stored ones."""

import math

from kinds import sign
from seeds import SEEDS_NEEDED, holm, interval, mean, t_test

LEVEL = 0.05


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
            if claim["n"] or claim["verdict"] != "inconclusive":
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
