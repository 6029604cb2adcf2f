"""`tenor evaluate`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a trained model.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Labelled texts: a file, a pattern of files in quotes, a folder, '-', or a built-in name.",
        ),
    ],
    text: Annotated[str | None, typer.Option(help="Column of the texts.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels.")] = None,
    label_separator: Annotated[
        str | None, typer.Option(help="What stands between the labels of a text. [default: as in training]")
    ] = None,
    drop_unlabelled: Annotated[bool, typer.Option("--drop-unlabelled", help="Leave out rows without a label.")] = False,
    drop_empty: Annotated[bool, typer.Option("--drop-empty", help="Leave out rows with an empty text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as one line of JSON.")] = False,
) -> None:
    """Measure a model on labelled texts."""
    from tenor import pipeline, predictor, reading
    from tenor.cli import console

    loaded = predictor.load(model)
    separator = label_separator or loaded.bundle.about.get("label_separator")
    options = {"drop_unlabelled": drop_unlabelled, "drop_empty": drop_empty, "separator": separator}
    with console.Console(quiet=as_json) as watcher:
        rows = reading.read_test(
            data, loaded.bundle.task.kind, watcher, text=text, label=label, usual=loaded.columns, **options
        )
        if rows.note:
            watcher.say(rows.note)
    metrics = pipeline.evaluate(loaded, rows)
    if as_json:
        print(json.dumps(metrics, ensure_ascii=False))
    else:
        print("\n".join(console.results(metrics)))
