"""The part and the section of a Ray cluster: prediction, the n-gram fit, and a network that workers train together."""

import csv
import json

from processes import run
from programs import BENCH, SEED, Bench, Job, Measurements, tenor, train
from tables import Row, Runs, met, middle, seconds, table

FILES, PREDICTED, LEARNED, TRAINED = 16, 24_000, 48_000, 150  # rows of a file
EFFICIENCY, OVERHEAD = 0.85, 0.15
PLACES = {"plain": 0, "one worker": 1, "two workers": 2}
SETTINGS = ("word_ngrams=[1,2]", "char_ngrams=[]", "weighting=naive-bayes", "C=0.3")
NOTE = """Parquet files of reviews, each of halves of two of IMDB's (`bench/make_shards.py`). Plain: `tenor predict
... --out FOLDER/` and `tenor train ... --family ngram --on-disk` on one core. Workers: the same with `--on ray`, each
on its own node, pinned to one core; the driver and Ray itself run on the same two cores. Seconds are those of the
whole command, including its start and that of the workers; the cluster exists before. The efficiency is the rows per
second with two workers, divided by twice those with one. The overhead is how much longer one worker takes than the
plain command. The fit has fixed settings, and tests on 1% of the rows. The network is `lstm` in its usual size on
JAX, plain with KERAS_BACKEND=jax; its rows per second are those of the training steps of the last epoch, without
compiling."""


def scale(bench: Bench) -> list[Job]:
    """`tenor predict` and `tenor train --family ngram`, plain and on a cluster."""
    shrunk = 40 if bench.quick else 1

    def shards(rows: int) -> str:
        folder = bench.work / f"shards-{rows}"
        if not folder.is_dir():
            run([str(bench.tenor_bin / "python"), str(BENCH / "make_shards.py"), str(FILES), str(rows), str(folder)])
        return str(folder / "*.parquet")

    def predict(place: str) -> Measurements:
        model, rows = bench.work / "scale-model", PREDICTED // shrunk
        if not model.is_dir():
            train(bench, "ngram", model)
        out = bench.work / f"labelled-{place}"
        command = [str(bench.tenor_bin / "tenor"), "predict", str(model), shards(rows), "--out", f"{out}/"]
        return {**on_cores(place, command), "rows": FILES * rows}

    def fit(place: str) -> Measurements:
        out, rows = bench.work / f"fit-{place}", LEARNED // shrunk
        command = [str(bench.tenor_bin / "tenor"), "train", shards(rows), "--family", "ngram", "--no-report"]
        command += ["--out", str(out), "--seed", str(SEED), "--test-size", "0.01"]
        for setting in SETTINGS:
            command += ["--set", setting]
        taken = on_cores(place, command if PLACES[place] else [*command, "--on-disk"])
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        return {
            **taken,
            "rows": FILES * rows,
            "accuracy": metrics["test"]["accuracy"],
            **{step: metrics["timing"][step] for step in ("read_s", "encode_s", "fit_s", "calibrate_s", "total_s")},
        }

    def network(place: str) -> Measurements:
        out, rows = bench.work / f"network-{place}", TRAINED // (3 if bench.quick else 1)
        command = ["env", "KERAS_BACKEND=jax", str(bench.tenor_bin / "tenor"), "train", shards(rows)]
        command += ["--family", "lstm", "--no-report", "--out", str(out), "--seed", str(SEED), "--set", "epochs=2"]
        taken = on_cores(place, command)
        with (out / "history.csv").open(encoding="utf-8") as lines:
            [*_, last] = csv.DictReader(lines)
        return {**taken, "rows": FILES * rows, "texts_per_s": float(last["texts_per_s"])}

    def on_cores(place: str, command: list[str]) -> Measurements:
        nodes = PLACES[place]
        expected = ["--on", "ray", "--workers", str(nodes)] if nodes else []
        return tenor(bench, "on_cores.py", str(nodes), *command, *expected)

    jobs = []
    for work, name in ((predict, "predict"), (fit, "fit"), (network, "network")):
        for place in PLACES:
            jobs.append(Job(f"{name}, {place}", lambda work=work, place=place: work(place)))
    return jobs


def scale_section(runs: dict[str, Runs]) -> str:
    """Rows a second, efficiency, overhead."""
    rows: list[Row] = []
    verdicts: list[Row] = []
    for name, label in (("predict", "predict"), ("fit", "`ngram` fit")):
        took = {place: middle(runs[f"{name}, {place}"], "command_s") for place in PLACES}
        for place in PLACES:
            [first, *_] = runs[f"{name}, {place}"]
            accuracy = f"{first['accuracy']:.4f}" if "accuracy" in first else ""
            speed = f"{first['rows'] / took[place]:,.0f}"
            rows.append((label, place, f"{first['rows']:,}", seconds(took[place]), speed, accuracy))
        efficiency = took["one worker"] / took["two workers"] / 2
        overhead = took["one worker"] / took["plain"] - 1
        verdicts.append(
            (label, "efficiency of two workers", f"{efficiency:.2f}", f">= {EFFICIENCY}", met(efficiency >= EFFICIENCY))
        )
        verdicts.append(
            (label, "overhead of one worker", f"{overhead:.1%}", f"<= {OVERHEAD:.0%}", met(overhead <= OVERHEAD))
        )
    speeds = {place: middle(runs[f"network, {place}"], "texts_per_s") for place in PLACES}
    for place in PLACES:
        [first, *_] = runs[f"network, {place}"]
        took = middle(runs[f"network, {place}"], "command_s")
        rows.append(("`lstm`", place, f"{first['rows']:,}", seconds(took), f"{speeds[place]:,.0f}", ""))
    ratio = speeds["two workers"] / speeds["one worker"] / 2
    verdicts.append(("`lstm`", "efficiency of two workers", f"{ratio:.2f}", "", ""))
    header = ("", "", "rows", "seconds", "rows/s", "test accuracy")
    measurements = table(("", "", "", "target", "met"), verdicts)
    return f"## On a Ray cluster\n\n{table(header, rows)}\n\n{measurements}\n\n{NOTE}"
