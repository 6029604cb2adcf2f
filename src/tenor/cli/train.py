"""`tenor train`."""

import json
import time as time_module
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tenor import api
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.cli import completion, options

if TYPE_CHECKING:
    from tenor._core.callbacks import Callback
    from tenor.config.run_config import RunConfig
    from tenor.training.finishing import TrainedModel

Option = typer.Option


def train(
    context: typer.Context,
    data: options.RunData = None,
    also: options.Also = None,
    test: options.Test = None,
    text: options.Text = None,
    features: options.Features = None,
    pair: options.Pair = None,
    label: options.Label = None,
    task: options.Task = None,
    label_separator: options.LabelSeparator = None,
    decimal: options.Decimal = None,
    encoding: options.Encoding = None,
    quoting: options.Quoting = None,
    header: options.Header = None,
    sheet: options.Sheet = None,
    query: options.Query = None,
    class_weight: options.ClassWeight = None,
    family: Annotated[
        str | None,
        Option(help="Model family: see 'tenor families'. [default: auto]", autocompletion=completion.families),
    ] = None,
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
    missing_label: options.MissingLabel = None,
    unknown_labels: Annotated[
        Literal["error", "wrong", "drop"] | None,
        Option(
            help="Test rows with a label that is not in the training data: refuse, count as wrong, or drop them. "
            "[default: error]"
        ),
    ] = None,
    fold_chinese: Annotated[
        bool | None,
        Option(
            "--fold-chinese/--no-fold-chinese",
            help="Read traditional Chinese characters as simplified ones. [default: for Chinese texts, if validation "
            "shows no loss]",
        ),
    ] = None,
    log: options.Log = None,
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
    lang: options.Lang = None,
) -> None:
    """Train a model on labelled texts, evaluate it on held-out texts, and save it."""
    started_at = time_module.perf_counter()  # before the imports, which take a part of a short run
    from tenor.cli import console
    from tenor.config import settings
    from tenor.training import run_options

    options.require_cluster(on, workers=workers is not None, worker_cores=worker_cores != 1)
    values = options.merged(
        config,
        data=data,
        also=also,
        test=test,
        text=options.column_names(text),
        features=options.column_names(features),
        label=options.column_names(label),
        decimal=decimal,
        task=task,
        label_separator=label_separator,
        class_weight=options.class_weight(class_weight),
        family=family,
        out=out,
        seed=seed,
        init=init,
        test_size=test_size,
        validation=options.fraction_or_file(validation),
        group=group,
        time=time,
        folds=folds,
        unlabelled=unlabelled,
        lang=lang,
        log=log,
        quantise=quantise,
        resume=resume,
        overwrite=overwrite,
        drop_unlabelled=drop_unlabelled,
        drop_empty=drop_empty,
        missing_labels=missing_label,
        unknown_labels=unknown_labels,
    )
    values |= options.file_options(encoding, quoting, header, sheet, query)
    values |= {} if on_disk is None else {"on_disk": on_disk}
    values |= {} if fold_chinese is None else {"fold_chinese": fold_chinese}
    values |= {} if pair is None else {"pair": pair}
    values |= {"report": False} if no_report else {}
    options.require_data(context, values)
    budget_s = None if budget is None else settings.parse_duration(budget, "--budget")
    auto_settings = options.given(maximum_size=max_size, maximum_latency=max_latency, distil=distil)
    if budget is not None and tune is None:
        auto_settings = {"budget": budget_s} | auto_settings
    run = run_options.configure_run(values, auto_settings, assignments or (), str(config or "train"))
    with console.Console(quiet=as_json) as callback:
        if tune is not None:
            trained = _tune_and_train(run, tune, budget_s, callback, on)
        elif on is None:
            trained = api.train(run, callback=callback)
        else:
            from tenor.distributed import on_cluster

            trained = on_cluster.train(on, run, callback, workers, worker_cores)
    metrics = trained.metrics
    if as_json:
        print(json.dumps({**metrics, "notes": callback.messages, "model": str(trained.folder)}, ensure_ascii=False))
    else:
        elapsed = time_module.perf_counter() - started_at
        rest = tr("start and save") if tune is None else tr("search, start and save")
        console.show(*_lines(metrics, elapsed, rest), tr("model: {folder}", folder=trained.folder))


def _tune_and_train(
    run: "RunConfig", trials: int, budget_s: float | None, callback: "Callback", on: str | None
) -> "TrainedModel":
    from tenor.errors import SettingsError
    from tenor.training import tuning

    if on is not None:
        raise SettingsError(
            tr("--tune searches on this machine."), tr("Search with 'tenor tune --on', then train with its best.toml.")
        )
    return tuning.tune_and_train(tuning.TuneConfig(run, trials, budget_s), callback)


def _lines(metrics: JsonObject, elapsed: float, rest: str) -> list[str]:
    """The metrics of a run, and how long it took.

    Args:
        metrics: The contents of `metrics.json`.
        elapsed: Seconds of the whole command. They are less than those of the run if the model was complete before.
        rest: What the command did beside the run.
    """
    from tenor.cli import metrics_text

    lines = metrics_text.evaluation_lines(metrics["test"], tr("metrics.json lists all")) if "test" in metrics else []
    lines += metrics_text.fold_lines(metrics["cross_validation"]) if "cross_validation" in metrics else []
    timing = metrics["timing"]
    steps = [
        tr("{step} {seconds:.1f} s", step=tr(name.removesuffix("_s").replace("_", "-")), seconds=timing[name])
        for name in timing
        if name != "total_s"
    ]
    total = timing["total_s"]
    if elapsed > total:
        steps.append(tr("{step} {seconds:.1f} s", step=rest, seconds=elapsed - total))
    return [*lines, "", tr("took {elapsed:.1f} s ({steps})", elapsed=max(elapsed, total), steps=tr(", ").join(steps))]
