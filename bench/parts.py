"""The four parts of the benchmark: each runs its programs one after another and returns the raw figures."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb import part_path
from processes import ProgramError, figures, run

BENCH = Path(__file__).parent
SEED = 7
ROWS = (10_000, 100_000, 1_000_000)
STARTS = 11
KERAS_EPOCHS = 10
TIMED = ("accuracy", "macro_f1", "log_loss")


@dataclass(frozen=True)
class Bench:
    """Where the programs are and how often to run them.

    Attributes:
        tenor_bin: Folder of the programs of Tenor's environment.
        peers_bin: Folder of the programs of the peers' environment.
        work: Temporary folder for models and generated files.
        repeats: Runs of each program of the n-gram part.
        lstm_repeats: Runs of each program of the LSTM part.
    """

    tenor_bin: Path
    peers_bin: Path
    work: Path
    repeats: int
    lstm_repeats: int


def ngram(bench: Bench) -> dict[str, Any]:
    """Tenor's `ngram`, scikit-learn and fastText in turn, `repeats` times over."""
    runs: dict[str, list[dict[str, Any]]] = {"tenor": [], "sklearn": [], "fasttext": []}
    for repeat in range(1, bench.repeats + 1):
        model = bench.work / f"ngram-{repeat}"
        trained = train(bench, "ngram", model)
        predicted = figures([str(bench.tenor_bin / "python"), str(BENCH / "tenor_predict.py"), str(model)])
        runs["tenor"].append({**trained, "predict_s": predicted["predict_s"], "load_s": predicted["load_s"]})
        runs["sklearn"].append(peer(bench, "peer_sklearn.py"))
        runs["fasttext"].append(peer(bench, "peer_fasttext.py"))
    return runs


def lstm(bench: Bench) -> dict[str, Any]:
    """Tenor's `lstm` and the plain Keras script in turn, `lstm_repeats` times over."""
    runs: dict[str, list[dict[str, Any]]] = {"tenor": [], "keras": []}
    for repeat in range(1, bench.lstm_repeats + 1):
        runs["tenor"].append(train(bench, "lstm", bench.work / f"lstm-{repeat}"))
        runs["keras"].append(peer(bench, "peer_keras.py", "--epochs", str(KERAS_EPOCHS)))
    return runs


def memory(bench: Bench) -> dict[str, Any]:
    """Peak memory and time of `tenor predict` on generated files of growing length."""
    model = bench.work / "ngram-1"
    if not model.is_dir():
        train(bench, "ngram", model)
    measured = []
    for rows in ROWS:
        source, output = bench.work / f"rows-{rows}.csv", bench.work / f"predicted-{rows}.csv"
        run([str(bench.tenor_bin / "python"), str(BENCH / "make_rows.py"), str(rows), str(source)])
        usage = run([str(bench.tenor_bin / "tenor"), "predict", str(model), str(source), "-o", str(output)])
        check_rows(output, rows)
        size_mib = source.stat().st_size / 2**20
        measured.append({"rows": rows, "file_mib": size_mib, "peak_mib": usage.peak_mib, "process_s": usage.wall_s})
        source.unlink()
        output.unlink()
    return {"tenor": measured}


def startup(bench: Bench) -> dict[str, Any]:
    """Wall time of `tenor --help`, STARTS times."""
    command = [str(bench.tenor_bin / "tenor"), "--help"]
    return {"tenor": [{"process_s": run(command).wall_s} for _ in range(STARTS)]}


def train(bench: Bench, family: str, out: Path) -> dict[str, Any]:
    """Train and test one Tenor model through the command line; its test figures and its timing."""
    command = [
        str(bench.tenor_bin / "tenor"),
        "train",
        str(part_path("train")),
        "--test",
        str(part_path("test")),
    ]
    command += ["--text", "text", "--label", "label", "--family", family, "--out", str(out)]
    command += ["--seed", str(SEED), "--json"]
    metrics = figures(command)
    try:
        test, timing = metrics["test"], metrics["timing"]
        return {
            **{name: test[name] for name in TIMED},
            **{name: timing[name] for name in ("read_s", "encode_s", "fit_s", "total_s")},
            "choose_s": timing["choose_s"] if family == "ngram" else timing.get("choose_s", 0.0),
            "process_s": metrics["process_s"],
            "peak_mib": metrics["peak_mib"],
        }
    except (KeyError, TypeError) as error:
        raise ProgramError(f"the metrics of `tenor train --family {family}` have no {error}.") from None


def peer(bench: Bench, script: str, *options: str) -> dict[str, Any]:
    """Run one of the peers' scripts."""
    return figures([str(bench.peers_bin / "python"), str(BENCH / script), *options])


def check_rows(path: Path, rows: int) -> None:
    """Raise ProgramError unless the CSV file holds a header and `rows` lines (no text has a line end)."""
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    if lines != rows + 1:
        raise ProgramError(f"`tenor predict` wrote {lines - 1} rows for {rows}.")


PARTS = {"ngram": ngram, "lstm": lstm, "memory": memory, "startup": startup}


def check_environment(names: list[str], bench: Bench) -> None:
    """End the script when the data, or an environment that the parts `names` need, are missing."""
    if set(names) & {"ngram", "lstm", "memory"}:
        part_path("train")
        part_path("test")
    needed = [bench.tenor_bin / "tenor"]
    if set(names) & {"ngram", "lstm"}:
        needed.append(bench.peers_bin / "python")
    for program in needed:
        if not program.is_file():
            sys.exit(f"{program}: there is no such program. `make bench` creates both environments.")
