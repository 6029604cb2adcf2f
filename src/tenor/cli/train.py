"""`tenor train`."""

import contextlib
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tenor.cli import options

Option = typer.Option


def train(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Labelled texts: a file, a pattern of files in quotes, a folder, '-' for standard input, or a "
            "built-in name; may stand in the run file.",
        ),
    ] = None,
    test: Annotated[
        str | None, Option(help="Labelled texts to measure on; without it, a part of DATA is held out.")
    ] = None,
    text: options.Text = None,
    label: options.Label = None,
    task: options.Task = None,
    label_separator: options.LabelSeparator = None,
    class_weight: Annotated[
        str | None, Option(help="'balanced', or how much texts of a class count, as 'spam=5,urgent=2'.")
    ] = None,
    family: Annotated[str | None, Option(help="Model family: see 'tenor families'. [default: auto]")] = None,
    budget: Annotated[
        str | None,
        Option(help="Time for learning, such as 60s, 5m or 1h: the best model that it allows (family auto); or none."),
    ] = None,
    max_size: Annotated[
        float | None, Option(metavar="MIB", help="Largest model that --budget may choose, in MiB.")
    ] = None,
    max_latency: Annotated[
        float | None, Option(metavar="MS", help="Longest time for a text, in milliseconds, that --budget may choose.")
    ] = None,
    out: Annotated[str | None, Option(help="Folder of the model. [default: a new one under runs]")] = None,
    seed: Annotated[int | None, Option(help="Seed of everything random. [default: 0]")] = None,
    test_size: Annotated[float | None, Option(help="Share of DATA to hold out. [default: 0.2]")] = None,
    group: Annotated[str | None, Option(help="Column whose equal values stay on one side, such as an author.")] = None,
    time: Annotated[str | None, Option(help="Column of times: the latest rows are held out.")] = None,
    folds: Annotated[
        int | None, Option(help="Measure by cross-validation in so many folds; the model learns from all of DATA.")
    ] = None,
    on_disk: Annotated[
        bool | None,
        Option(
            "--on-disk/--in-memory",
            help="Where the texts are kept. [default: on disk from 1,000,000 rows or 268 million characters on]",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        Option(help="Run file in TOML. Options given here come first; its paths count from the current folder."),
    ] = None,
    assignments: options.Assignments = None,
    init: Annotated[str | None, Option(help="Folder of an encoder from 'tenor pretrain' to start from.")] = None,
    resume: options.Resume = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the model in --out.")] = False,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    lang: Annotated[
        Literal["en", "zh"] | None, Option(help="Language of report.html and README.md. [default: en]")
    ] = None,
    no_report: Annotated[bool, Option("--no-report", help="Make no report.html and no model card.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print the metrics as one line of JSON.")] = False,
) -> None:
    """Train a model on labelled texts, measure it on texts that it has not seen, and save it."""
    from tenor import pipeline, settings
    from tenor.cli import console
    from tenor.errors import SettingsError
    from tenor.runs import Run

    values: dict[str, Any] = settings.read_toml(config) if config else {}
    given = {
        "data": data,
        "test": test,
        "text": text,
        "label": label,
        "task": task,
        "label_separator": label_separator,
        "class_weight": _class_weight(class_weight),
        "family": family,
        "out": out,
        "seed": seed,
        "init": init,
        "test_size": test_size,
        "group": group,
        "time": time,
        "folds": folds,
        "on_disk": on_disk,
        "lang": lang,
        "report": False if no_report else None,
        "resume": resume or None,
        "overwrite": overwrite or None,
        "drop_unlabelled": drop_unlabelled or None,
        "drop_empty": drop_empty or None,
    }
    values |= {key: value for key, value in given.items() if value is not None}
    searched: dict[str, Any] = {} if budget is None else {"budget": _seconds(budget)}
    limits = {"maximum_size": max_size, "maximum_latency": max_latency}
    searched |= {name: limit for name, limit in limits.items() if limit is not None}
    if searched:
        if values.setdefault("family", "auto") != "auto":
            option = "--budget" if budget is not None else "--max-size" if max_size is not None else "--max-latency"
            raise SettingsError(
                f"{option} looks for the best model, and --family asks for {values['family']!r}.",
                "Give one of the two.",
            )
        values["settings"] = values.get("settings", {}) | searched
    if "data" not in values:
        context.fail("Missing argument 'DATA'. Name the data there, or in a run file (--config) as data = \"...\".")
    if "test_size" in values and ("test" in values or "folds" in values):
        other = "test" if "test" in values else "folds"
        raise SettingsError(
            f"--test-size holds out a part of DATA, and --{other} measures in another way.", "Give one of the two."
        )
    source = str(config) if config else "train"
    run = settings.make(Run, values, source)
    if assignments:
        run = replace(run, settings=(run.settings or {}) | settings.parse_assignments(assignments))
    with _ended_alike(), console.Console(quiet=as_json) as watcher:
        trained = pipeline.train(run, watcher)
    metrics = trained.metrics
    if as_json:
        print(json.dumps({**metrics, "notes": watcher.said, "model": str(trained.folder)}, ensure_ascii=False))
        return
    for line in console.results(metrics["test"]) if "test" in metrics else []:
        print(line)
    for line in console.folds(metrics["cross_validation"]) if "cross_validation" in metrics else []:
        print(line)
    timing = metrics["timing"]
    steps = ", ".join(f"{name.removesuffix('_s')} {timing[name]:.1f} s" for name in timing if name != "total_s")
    print(f"\ntook {timing['total_s']:.1f} s ({steps})")
    print(f"model: {trained.folder}")


@contextlib.contextmanager
def _ended_alike() -> Iterator[None]:
    """Have SIGTERM end what goes on as Ctrl-C does: checkpoints are told of, and what `auto` has ready is saved."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _seconds(given: str) -> float | None:
    from tenor.errors import SettingsError

    if given == "none":
        return None
    units = {"": 1, "s": 1, "m": 60, "h": 3600}
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smh]?)", given)
    if match is None or not float(match[1]):
        raise SettingsError(f"--budget: {given!r} is no time.", "Write, say, 60s, 5m, 1h, or none.")
    return float(match[1]) * units[match[2]]


def _class_weight(given: str | None) -> str | dict[str, float] | None:
    from tenor.errors import SettingsError

    if given is None or given == "balanced":
        return given
    weights = {}
    for item in given.split(","):
        label, equals, weight = item.rpartition("=")
        try:
            weights[label.strip()] = float(weight)
        except ValueError:
            equals = ""
        if not equals:
            raise SettingsError(
                f"--class-weight: {item!r} is not of the form class=number.", "Write balanced, or spam=5,urgent=2."
            )
    return weights
