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
            help="Labelled texts: a file, a pattern of files in quotes, a folder, '-', or a built-in name.",
        ),
    ],
    text: options.Text = None,
    label: options.Label = None,
    label_separator: Annotated[
        str | None, typer.Option(help="What stands between the labels of a text. [default: as in training]")
    ] = None,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as one line of JSON.")] = False,
) -> None:
    """Measure a model on labelled texts."""
    from tenor import pipeline, predictor, reading
    from tenor.cli import console

    loaded = predictor.load(model)
    separator = label_separator or loaded.bundle.about.get("label_separator")
    asked = {"drop_unlabelled": drop_unlabelled, "drop_empty": drop_empty, "separator": separator}
    with console.Console(quiet=as_json) as watcher:
        rows = reading.read_test(
            data, loaded.bundle.task.kind, watcher, text=text, label=label, usual=loaded.columns, **asked
        )
        if rows.note:
            watcher.say(rows.note)
    metrics = pipeline.evaluate(loaded, rows)
    if as_json:
        print(json.dumps(metrics, ensure_ascii=False))
    else:
        print("\n".join(console.results(metrics)))
