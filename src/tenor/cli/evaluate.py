"""`tenor evaluate`."""

import json
from typing import Annotated

import typer

from tenor import api
from tenor._core.language import tr
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
    decimal: options.Decimal = None,
    encoding: options.Encoding = None,
    quoting: options.Quoting = None,
    header: options.Header = None,
    sheet: options.Sheet = None,
    query: options.Query = None,
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    missing_label: options.MissingLabel = None,
    unknown_labels: options.UnknownLabels = "error",
    runtime: options.Runtime = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Evaluate a model on labelled texts, and report the slices where it is worse."""
    from tenor.cli import console, metrics_text

    options.use_runtime(runtime, model)
    with console.Console(quiet=as_json) as callback:
        metrics = api.evaluate(
            model,
            data,
            text=options.column_names(text),
            label=options.column_names(label),
            decimal=decimal,
            label_separator=label_separator,
            slices=by or (),
            drop_unlabelled=drop_unlabelled,
            drop_empty=drop_empty,
            missing_labels=tuple(missing_label or ()),
            unknown_labels=unknown_labels,
            **options.file_options(encoding, quoting, header, sheet, query),
            callback=callback,
        )
    if as_json:
        notes = {"notes": callback.messages} if callback.messages else {}
        print(json.dumps(metrics | notes, ensure_ascii=False))
    else:
        lines = metrics_text.evaluation_lines(metrics, tr("--json lists all"))
        console.show(*lines, *metrics_text.slice_lines(metrics, by or ()))
