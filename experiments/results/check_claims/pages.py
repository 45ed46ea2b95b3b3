"""Checks the paper map, and the names of claims in the findings, against the stored claims of preset standard.

python3 experiments/results/check_claims/pages.py

In docs/src/paper-map.md, every row of a table with one column per data set names its experiment and claim: verdicts, effects and
intervals must be those of claims.json, as printed. In docs/src/findings.md, every `experiment/claim` must exist.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[3]
SOURCES = ["fashion-mnist", "mnist", "cifar-10"]
SYMBOLS = {"✓": "supported", "✗": "refuted", "○": "inconclusive"}


def stored():
    """The verdict on each claim as a whole, by experiment, data set and claim."""
    claims = {}
    for claim in json.loads((ROOT / "experiments/results/standard/claims.json").read_text()):
        parts = claim["id"].split("/")
        if len(parts) == 3 or parts[-1] == "mean":
            claims[tuple(parts[:3])] = claim
    return claims


def agrees(printed, value):
    """True if the value rounds to the printed number; `×3` is a factor, of which the value is the excess in percent."""
    if printed.startswith("×"):
        printed, value = printed[1:], 1.0 + value / 100.0
    decimals = len(printed.partition(".")[2])
    return abs(float(printed) - value) <= 0.5 * 10.0**-decimals + 1e-9


def faults_of_cell(cell, claim):
    number = r"[-+]?×?[0-9.]+"
    found = re.fullmatch(rf"(.) ({number})%? \[({number}), ({number})\]", cell.strip())
    if not found:
        return [f"cannot be read: {cell.strip()}"]
    symbol, *numbers = found.groups()
    faults = [] if SYMBOLS.get(symbol) == claim["verdict"] else [f"{symbol} is not {claim['verdict']}"]
    values = [claim["effect"], *claim["interval"]]
    return faults + [f"{a} is not {b:.4g}" for a, b in zip(numbers, values) if not agrees(a, b)]


def rows(page):
    """Experiment, claim and cells of the rows with a column per data set."""
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        named = re.search(r"`([a-z0-9-]+)` \(`([a-z0-9-]+)`\)", line)
        if named and len(cells) == 2 + len(SOURCES):
            yield *named.groups(), cells[2:]


def main():
    claims, faults, checked = stored(), [], 0
    page = ROOT / "docs/src/paper-map.md"
    for experiment, name, cells in rows(page):
        for source, cell in zip(SOURCES, cells):
            claim = claims.get((experiment, source, name))
            found = faults_of_cell(cell, claim) if claim else ["no such claim"]
            faults += [f"{page.name}: {experiment}/{source}/{name}: {fault}" for fault in found]
            checked += 1
    page = ROOT / "docs/src/findings.md"
    known = {(experiment, name) for experiment, _, name in claims}
    named = set(re.findall(r"`([a-z0-9-]+)/([a-z0-9-]+)`", page.read_text())) - {("experiment", "claim")}
    faults += [f"{page.name}: no claim {'/'.join(ids)}" for ids in sorted(named - known)]
    for fault in faults:
        print(f"different: {fault}")
    print(f"{checked} verdicts and {len(named)} names on pages checked, {len(faults)} differences")
    return 1 if faults or not checked or not named else 0


if __name__ == "__main__":
    sys.exit(main())
