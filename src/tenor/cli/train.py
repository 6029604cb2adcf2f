"""`tenor train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tenor.cli import options

if TYPE_CHECKING:
    from tenor._core.callbacks import Callback
    from tenor.config.run_config import RunConfig
    from tenor.training.finishing import TrainedModel

Option = typer.Option


def train(
    context: typer.Context,
    data: options.RunData = None,
    test: options.Test = None,
    text: options.Text = None,
    label: options.Label = None,
    task: options.Task = None,
    label_separator: options.LabelSeparator = None,
    class_weight: options.ClassWeight = None,
    family: Annotated[str | None, Option(help="Model family: see 'tenor families'. [default: auto]")] = None,
    budget: Annotated[
        str | None,
        Option(help="Training time, e.g. 60s, 5m or 1h, for the best model (family auto); or none: no limit."),
    ] = None,
    max_size: Annotated[
        float | None, Option(metavar="MIB", help="Maximum size of the model that --budget chooses, in MiB.")
    ] = None,
    max_latency: Annotated[
        float | None,
        Option(
            metavar="MS", help="Maximum prediction time per text of the model that --budget chooses, in milliseconds."
        ),
    ] = None,
    unlabelled: Annotated[
        str | None,
        Option(metavar="FILE", help="Texts without labels for self-training, used if they help (family auto)."),
    ] = None,
    distil: Annotated[
        str | None,
        Option(
            metavar="FAMILY",
            help="Distil the best blend into one small model, e.g. ngram or 'bag embedding=16'.",
        ),
    ] = None,
    tune: Annotated[
        int | None,
        Option(metavar="TRIALS", help="Search for better settings of --family first; --budget limits the search."),
    ] = None,
    out: Annotated[str | None, Option(help="Folder of the model. [default: a new one under runs]")] = None,
    seed: options.Seed = None,
    test_size: options.TestSize = None,
    validation: options.Validation = None,
    group: options.Group = None,
    time: options.Time = None,
    folds: Annotated[
        int | None,
        Option(help="Evaluate by cross-validation with this many folds; the saved model is trained on all of DATA."),
    ] = None,
    on_disk: Annotated[
        bool | None,
        Option(
            "--on-disk/--in-memory",
            help="Where texts are stored. [default: on disk from 1,000,000 rows or 268 million characters]",
        ),
    ] = None,
    config: options.RunFile = None,
    assignments: options.Assignments = None,
    init: Annotated[
        str | None, Option(help="Folder of an encoder from 'tenor pretrain' to start from; it sets --family.")
    ] = None,
    resume: options.Resume = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the model in --out.")] = False,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    log: options.Log = None,
    lang: Annotated[
        Literal["en", "zh"] | None, Option(help="Language of report.html and README.md. [default: en]")
    ] = None,
    quantise: Annotated[
        bool,
        Option(
            "--quantise",
            help="Quantise networks to int8. Kept if at most 0.3 points worse on the held-out texts.",
        ),
    ] = False,
    no_report: Annotated[bool, Option("--no-report", help="Do not write report.html and the model card.")] = False,
    on: options.On = None,
    workers: options.Workers = None,
    worker_cores: options.WorkerCores = 1,
    as_json: Annotated[bool, Option("--json", help="Print the metrics as one line of JSON.")] = False,
) -> None:
    """Train a model on labelled texts, evaluate it on held-out texts, and save it."""
    from tenor.cli import console
    from tenor.config import settings
    from tenor.config.run_config import RunConfig
    from tenor.errors import SettingsError
    from tenor.inference import bundle
    from tenor.training import pipeline

    options.need_cluster(on, workers=workers is not None, worker_cores=worker_cores != 1)
    options.need(not no_report, "the report, and --no-report leaves it out", "Leave out that", lang=lang is not None)
    values: dict[str, Any] = settings.read_toml(config) if config else {}
    given = {
        "data": data,
        "test": test,
        "text": text,
        "label": label,
        "task": task,
        "label_separator": label_separator,
        "class_weight": options.class_weight(class_weight),
        "family": family,
        "out": out,
        "seed": seed,
        "init": init,
        "test_size": test_size,
        "validation": options.share_or_file(validation),
        "group": group,
        "time": time,
        "folds": folds,
        "on_disk": on_disk,
        "unlabelled": unlabelled,
        "lang": lang,
        "log": log,
        "report": False if no_report else None,
        "quantise": quantise or None,
        "resume": resume or None,
        "overwrite": overwrite or None,
        "drop_unlabelled": drop_unlabelled or None,
        "drop_empty": drop_empty or None,
    }
    values |= {key: value for key, value in given.items() if value is not None}
    limit_s = None if budget is None else settings.seconds(budget, "--budget")
    searched: dict[str, Any] = {} if budget is None or tune is not None else {"--budget": ("budget", limit_s)}
    limits: dict[str, tuple[str, Any]] = {
        "--max-size": ("maximum_size", max_size),
        "--max-latency": ("maximum_latency", max_latency),
    }
    limits["--distil"] = ("distil", distil)
    searched |= {option: limit for option, limit in limits.items() if limit[1] is not None}
    if searched:
        if values.setdefault("family", "auto") != "auto":
            raise SettingsError(
                f"{next(iter(searched))} looks for the best model, and --family asks for {values['family']!r}.",
                "Give one of the two.",
            )
        values["settings"] = values.get("settings", {}) | dict(searched.values())
    if values.get("init") is not None and "family" not in values:
        values["family"] = bundle.load_encoder(Path(values["init"])).family.name
    if "data" not in values:
        context.fail("Missing argument 'DATA'. Name the data there, or in a run file (--config) as data = \"...\".")
    options.one_test(values)
    source = str(config) if config else "train"
    run = settings.make(RunConfig, values, source)
    if assignments:
        run = options.with_assignments(run, assignments)
    with console.Console(quiet=as_json) as callback:
        if on is not None:
            if tune is not None:
                raise SettingsError(
                    "--tune searches on this machine.", "Search with 'tenor tune --on', then train with its best.toml."
                )
            trained = _train_on(on, run, callback, workers, worker_cores)
        elif tune is None:
            trained = pipeline.train(run, callback)
        else:
            from tenor.training import tuning

            trained = tuning.train(tuning.Tuning(run, tune, limit_s), callback)
    metrics = trained.metrics
    if as_json:
        print(json.dumps({**metrics, "notes": callback.said, "model": str(trained.folder)}, ensure_ascii=False))
        return
    lines = console.results(metrics["test"]) if "test" in metrics else []
    lines += console.folds(metrics["cross_validation"]) if "cross_validation" in metrics else []
    timing = metrics["timing"]
    steps = ", ".join(f"{name.removesuffix('_s')} {timing[name]:.1f} s" for name in timing if name != "total_s")
    console.show(*lines, "", f"took {timing['total_s']:.1f} s ({steps})", f"model: {trained.folder}")


def _train_on(
    on: str, run: "RunConfig", callback: "Callback", workers: int | None, worker_cores: int
) -> "TrainedModel":
    """Train on a cluster."""
    from tenor.distributed import cluster, ngram, training
    from tenor.distributed.trials import Places
    from tenor.training import pipeline

    with cluster.connected(on) as ray:
        if run.family == "ngram":
            return ngram.train(ray, run, callback, workers, worker_cores)
        if run.family == "auto":
            return pipeline.train(run, callback, spread=Places(ray, workers, worker_cores))
        return pipeline.train(run, callback, train_network=training.learner(ray, workers, worker_cores))
