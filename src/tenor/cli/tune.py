"""`tenor tune`."""

import json
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.cli import completion, options
from tenor.errors import counted

Option = typer.Option


def tune(
    context: typer.Context,
    data: options.RunData = None,
    family: Annotated[
        str | None,
        Option(help="Model family: see 'tenor families'. [default: ngram]", autocompletion=completion.families),
    ] = None,
    trials: Annotated[int, Option(help="Total number of trials, including those of an earlier search in --out.")] = 20,
    budget: Annotated[str | None, Option(help="Time for the search, e.g. 60s, 5m or 1h.")] = None,
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
    out: Annotated[
        str | None, Option(help="Folder of the search; an existing search continues. [default: a new one under runs]")
    ] = None,
    seed: options.Seed = None,
    test_size: options.TestSize = None,
    group: options.Group = None,
    time: options.Time = None,
    config: options.RunFile = None,
    assignments: options.Assignments = None,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    missing_label: options.MissingLabel = None,
    resume: Annotated[
        bool,
        Option(
            "--resume",
            help="Without --out: continue the last search under runs. With --out, an existing search always continues.",
        ),
    ] = False,
    together: Annotated[
        int | None,
        Option(help="Trials proposed at a time; the result depends on it. [default: 1, or with --on one per worker]"),
    ] = None,
    on: options.On = None,
    workers: options.Workers = None,
    worker_cores: options.WorkerCores = 1,
    log: options.Log = None,
    as_json: Annotated[bool, Option("--json", help="Print the result as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Search for better settings of a family. 'tenor train --config OUT/best.toml' then trains with them."""
    from tenor.cli import console
    from tenor.config import settings
    from tenor.training import run_options, study, tuning

    options.require_cluster(on, workers=workers is not None, worker_cores=worker_cores != 1)
    values: JsonObject = {"family": "ngram"} | options.merged(
        config,
        data=data,
        family=family,
        also=also,
        test=test,
        text=options.column_names(text),
        features=options.column_names(features),
        label=options.column_names(label),
        decimal=decimal,
        task=task,
        label_separator=label_separator,
        class_weight=options.class_weight(class_weight),
        out=out,
        seed=seed,
        test_size=test_size,
        group=group,
        time=time,
        drop_unlabelled=drop_unlabelled,
        drop_empty=drop_empty,
        missing_labels=missing_label,
        resume=resume,
        log=log,
    )
    values |= options.file_options(encoding, quoting, header, sheet, query)
    values |= {} if pair is None else {"pair": pair}
    options.require_data(context, values)
    run = run_options.configure_run(values, assignments=assignments or (), source=str(config or "tune"))
    budget_s = None if budget is None else settings.parse_duration(budget, "--budget")
    search = tuning.TuneConfig(run, trials, budget_s, together or 1)
    with console.Console(quiet=as_json) as callback:
        if on is None:
            tuned = tuning.tune(search, callback)
        else:
            from tenor.distributed import on_cluster

            tuned = on_cluster.tune(on, search, together, callback, workers, worker_cores)
    chosen = f"tenor train --config {tuned.folder / study.BEST}"
    if as_json:
        metrics = {"loss": tuned.loss, "loss_of_defaults": tuned.default_loss, "trials": tuned.n_trials}
        print(json.dumps({**metrics, "settings": tuned.settings, "folder": str(tuned.folder)}, ensure_ascii=False))
        return
    console.show(
        tr(
            "{trials}: loss {loss:.4f}, that of the defaults {default_loss:.4f}",
            trials=counted(tuned.n_trials, "trial"),
            loss=tuned.loss,
            default_loss=tuned.default_loss,
        ),
        *(f"  {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in tuned.settings.items()),
        tr("train with them: {chosen}", chosen=chosen),
    )
