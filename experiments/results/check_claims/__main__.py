"""Recomputes the verdicts of claims.json from the stored records, with the standard library alone.

python3 experiments/results/check_claims experiments/results/standard standard target/memdil

An implementation of docs/src/claims.md that shares no code with memdil-claims. It reads the declarations in
experiments/*.toml, the records in runs.jsonl and the courses of training in courses.jsonl. `pair.` quantities need the features of
runs, which are not stored: their values per seed are read from claims.json. The memorization-dilation model is solved by the program.
"""

import json
import pathlib
import sys
import tomllib
from collections import defaultdict

from exact import exact, layer_peeled, solved_model
from family import family
from program import Program
from runs import Run, allowed
from verdicts import compare

EXPERIMENTS = pathlib.Path(__file__).parents[2]


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def main(folder, preset):
    folder = pathlib.Path(folder)
    stored = {claim["id"]: claim for claim in json.loads((folder / "claims.json").read_text())}
    courses = {}
    if (folder / "courses.jsonl").exists():
        courses = {course["id"]: course for course in read(folder / "courses.jsonl")}
    by_family = defaultdict(list)
    for record in read(folder / "runs.jsonl"):
        by_family[record["spec"]["experiment"], record["spec"]["data"]["source"]].append(record)
    faults, checked = [], set()
    for (experiment, source), records in sorted(by_family.items()):
        declared = tomllib.loads((EXPERIMENTS / f"{experiment}.toml").read_text())
        searched = declared.get("search", {}).get("space", {})
        runs = [Run(record, courses.get(record["id"]), searched) for record in records]
        claims = [c for c in declared.get("claim", []) if preset in c.get("presets", [preset])]
        claims = [c for c in claims if allowed(c.get("where", {}).get("data.source", source), source)]
        members = family(experiment, source, claims, runs, stored)
        faults += compare(members, stored)
        checked |= {id for id, *_ in members}
    if (folder / "layer-peeled.jsonl").exists():
        claims = layer_peeled(read(folder / "layer-peeled.jsonl")) | solved_model()
        faults += exact(claims, stored)
        checked |= claims.keys()
    for id in sorted(stored.keys() - checked):
        print(f"not recomputed: {id}")
    for fault in faults:
        print(f"different: {fault}")
    print(f"{len(checked)} of {len(stored)} claims recomputed, {len(faults)} differences")
    return 1 if faults or checked != stored.keys() else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_claims RESULTS PRESET PROGRAM, for example: check_claims experiments/results/standard standard target/memdil")
    folder, preset, Program.path = sys.argv[1:]
    sys.exit(main(folder, preset))
