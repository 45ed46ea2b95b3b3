"""Copies the results of `cargo xtask reproduce` to a folder of experiments/results.

python store_results.py reproduction/standard experiments/results/standard

Copies the report with its figures and claims, and writes two files with one line per run, by id:
runs.jsonl      the record of the run (summary.json)
courses.jsonl   the quantities that claims read along training: the evaluated epochs, and a list of values per quantity. Only written if
                there are such claims
"""

import functools
import json
import pathlib
import shutil
import sys
import tomllib

EXPERIMENTS = pathlib.Path(__file__).parents[1]


@functools.cache
def of_courses(experiment):
    """The quantities that the claims of an experiment read along training."""
    claims = tomllib.loads((EXPERIMENTS / f"{experiment}.toml").read_text()).get("claim", [])
    paths = set()
    for claim in claims:
        if claim["test"] == "within_run":
            paths |= {claim["dose"], claim["response"]}
        elif claim["test"] == "trend":
            paths |= {claim["quantity"], claim["from"]["quantity"], *([claim["baseline"]] if "baseline" in claim else [])}
    return sorted(paths)


def quantity(record, path):
    """The number at a dotted path of a record; None if it is not defined."""
    for key in path.split("."):
        record = (record or {}).get(key)
    return record


def course(run, record):
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    epochs = [epoch for epoch in epochs if epoch.get("test")]
    found = {"id": record["id"], "epoch": [epoch["epoch"] for epoch in epochs]}
    for path in of_courses(record["spec"]["experiment"]):
        values = [quantity(epoch, path) for epoch in epochs]
        if any(value is not None for value in values):
            found[path] = values
    return found


def write(path, rows):
    lines = (json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines))


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    (target / "figures").mkdir(parents=True, exist_ok=True)
    folders = sorted(folder for folder in (source / "runs").iterdir() if (folder / "summary.json").exists())
    runs = [(folder, json.loads((folder / "summary.json").read_text())) for folder in folders]
    write(target / "runs.jsonl", [record for _, record in runs])
    courses = [course(*run) for run in runs if of_courses(run[1]["spec"]["experiment"])]
    if courses:
        write(target / "courses.jsonl", courses)
    for name in ["report/claims.json", "report/report.md"]:
        shutil.copy(source / name, target)
    if (source / "runs/layer-peeled.jsonl").exists():
        shutil.copy(source / "runs/layer-peeled.jsonl", target)
    for figure in (source / "report" / "figures").glob("*.svg"):
        shutil.copy(figure, target / "figures")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: store_results.py RUNS RESULTS, for example: store_results.py reproduction/standard experiments/results/standard")
    main(*sys.argv[1:])
