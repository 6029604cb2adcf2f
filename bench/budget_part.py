"""The parts that measure the best model within a time: `tenor train --budget` on IMDB and on the other sets.

AutoGluon and FLAML get the same time where their environment is there (`make automl`).
"""

from programs import Bench, Job, Measurements, automl, peer, train
from sets import SETS
from tables import Row, Runs, met, middle, score, seconds, table

BUDGETS = {10: 0.914, 60: 0.918, 300: 0.925, 600: 0.930, 1800: 0.938}
QUICK_BUDGETS = {10: 0.914, 60: 0.918}
SETS_BUDGET, QUICK_SETS_BUDGET = 60, 20
PEERS = {"autogluon": "AutoGluon", "flaml": "FLAML"}
ALONE = ("best family alone, in that time", "at least as good", "whatever time it takes", "at least as good")
FAMILIES = ("ngram", "bag", "cnn", "lstm", "transformer", "pretrained")
NOT_READ = {"thucnews": ("pretrained",)}  # the built-in encoder reads no Chinese
NOTE = """The budget is training time. The whole process also reads the data and labels 25,000 test reviews. Over
budget: more than 5% and 5 s beyond it. scikit-learn: TF-IDF over words and word pairs, logistic regression with C =
10; it takes no budget. AutoGluon: tabular, defaults, with its text n-grams and `time_limit`. FLAML: defaults over
TF-IDF of words and word pairs; its budget includes counting. Training seconds of the peers are in brackets."""
SETS_NOTE = """All have a budget of 60 seconds, except single families, which use their defaults (training seconds in
brackets). The best single family on the test is named: among those ready in that time, and among all. If not all were
run, the number is given. AutoGluon and FLAML do not support several labels per text. The built-in encoder reads no
Chinese."""


def budget(bench: Bench) -> list[Job]:
    """Tenor and its peers at each budget, and scikit-learn once."""
    budgets = QUICK_BUDGETS if bench.quick else BUDGETS
    return [
        Job("sklearn", lambda: peer(bench, "peer_sklearn.py")),
        *(job for limit in budgets for job in _at(bench, "imdb", limit, "")),
    ]


def budget_sets(bench: Bench) -> list[Job]:
    """Tenor and its peers on each set, and each family with its defaults."""
    limit = QUICK_SETS_BUDGET if bench.quick else SETS_BUDGET
    jobs = []
    for name in SETS:
        jobs += _at(bench, name, limit, f"{name} ")
        for family in FAMILIES:
            if family not in NOT_READ.get(name, ()):
                jobs.append(Job(f"{name} {family}", lambda name=name, family=family: _train(bench, name, family)))
    return jobs


def _at(bench: Bench, name: str, limit: int, prefix: str) -> list[Job]:
    """Tenor at a budget, and those of its peers that are there and take what is predicted."""
    jobs = [Job(f"{prefix}tenor {limit}", lambda: _train(bench, name, "auto", f"budget={limit}"))]
    if bench.automl_bin.is_dir() and not (name in SETS and SETS[name].kind == "sets"):
        for program in PEERS:
            run = automl(bench, f"peer_{program}.py", name, str(limit))
            jobs.append(Job(f"{prefix}{program} {limit}", run))
    return jobs


def _train(bench: Bench, name: str, family: str, *settings: str) -> Measurements:
    column = SETS[name].column if name in SETS else "label"
    out = bench.work / "-".join([name, family, *settings])
    return train(bench, family, out, *settings, name=name, column=column)


def budget_section(runs: dict[str, Runs]) -> str:
    """Test accuracy and seconds at each budget."""
    reference = _told(runs.get("sklearn"), "accuracy")
    rows: list[Row] = []
    for limit, target in BUDGETS.items():
        if f"tenor {limit}" not in runs:
            continue
        ours = runs[f"tenor {limit}"]
        accuracy, spent = middle(ours, "accuracy"), middle(ours, "fit_s")
        peers = [_told(runs.get(f"{program} {limit}"), "accuracy") for program in PEERS]
        measurements = score(accuracy), seconds(spent), seconds(middle(ours, "process_s"))
        good = accuracy >= target and _in_time(spent, limit)
        rows.append((f"{limit} s", reference, *peers, *measurements, f">= {target}, in time", met(good)))
    header = ("budget", "scikit-learn", *PEERS.values(), "Tenor", "training, s", "whole process, s", "target", "met")
    return f"## The best model within a time\n\n{table(header, rows)}\n\n{NOTE}"


def budget_sets_section(runs: dict[str, Runs]) -> str:
    """The metric of each set at the budget, beside the best family alone."""
    rows: list[Row] = []
    for name, each in SETS.items():
        metric = next(iter(each.targets))
        alone = {family: runs[f"{name} {family}"] for family in FAMILIES if f"{name} {family}" in runs}
        limit = next((limit for limit in (SETS_BUDGET, QUICK_SETS_BUDGET) if f"{name} tenor {limit}" in runs), 0)
        if not alone or not limit:
            continue
        quick = {family: result for family, result in alone.items() if _in_time(middle(result, "fit_s"), limit)}
        ours = runs[f"{name} tenor {limit}"]
        result, spent = middle(ours, metric), middle(ours, "fit_s")
        peers = [_told(runs.get(f"{name} {program} {limit}"), metric) for program in PEERS]
        of = "" if len(alone) == len(FAMILIES) - len(NOT_READ.get(name, ())) else f", of {len(alone)}"
        against: list[str] = []
        for those in (quick, alone):
            best = max(those, key=lambda family: middle(alone[family], metric), default=None)
            least = middle(alone[best], metric) if best else result
            told = f"{best} {_told(alone[best], metric)}{of}" if best else ""
            against += told, met(result >= least and _in_time(spent, limit))
        rows.append((name, metric.replace("_", " "), *peers, score(result), seconds(spent), *against))
    header = ("set", "metric", *PEERS.values(), "Tenor", "training, s", *ALONE)
    return f"## The best model in a minute, other sets\n\n{table(header, rows)}\n\n{SETS_NOTE}"


def _in_time(spent: float, limit: int) -> bool:
    return spent <= limit * 1.05 + 5


def _told(runs: Runs | None, metric: str) -> str:
    """`0.8894 (421 s)`; what was not run is empty, and what ended without a model has no metric."""
    if not runs:
        return ""
    spent = f"({seconds(middle(runs, 'fit_s'))} s)"
    return f"no model {spent}" if any("failed" in run for run in runs) else f"{score(middle(runs, metric))} {spent}"
