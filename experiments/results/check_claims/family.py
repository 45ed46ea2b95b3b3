"""The members of a family: panels with their cells, and means over panels."""

from collections import defaultdict

from kinds import KINDS
from runs import decides, hold, shown
from seeds import SEEDS_NEEDED, Missing, mean


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
    own = lambda key: key in kind.levels or any(decides(conditions, key) for conditions in kind.conditions)
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
        names = varying(members, lambda key: key not in kind.levels)
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
