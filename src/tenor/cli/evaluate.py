"""`tenor evaluate`."""

import json
from typing import Annotated

import typer

from tenor.cli import options


def evaluate(
    model: options.Model,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Labelled texts: a file, a quoted pattern, a folder, '-', or a built-in name.",
        ),
    ],
    text: options.Text = None,
    label: options.Label = None,
    label_separator: Annotated[
        str | None, typer.Option(help="Separator for multi-label cells. [default: as in training]")
    ] = None,
    by: options.Slices = None,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    runtime: options.Runtime = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as one line of JSON.")] = False,
) -> None:
    """Evaluate a model on labelled texts, and report the slices where it is worse."""
    from tenor.cli import console
    from tenor.data import sources
    from tenor.data.read_options import ReadOptions
    from tenor.evaluation import evaluate as measurement
    from tenor.inference import predictor

    options.use(runtime, model)
    loaded = predictor.load(model)
    reading = ReadOptions(
        text=text,
        label=label,
        label_separator=label_separator,
        drop_unlabelled=drop_unlabelled,
        drop_empty=drop_empty,
    )
    with console.Console(quiet=as_json) as callback:
        rows, columns = sources.read_for_evaluation(
            data, loaded.bundle.task.kind, loaded.bundle.metadata, reading, callback, by or []
        )
    metrics = measurement.evaluate(loaded, rows, columns)
    if as_json:
        print(json.dumps(metrics, ensure_ascii=False))
    else:
        console.show(*console.results(metrics), *console.slices(metrics))
