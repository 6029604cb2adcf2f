"""`tenor compare`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tenor._core.language import mark, tr
from tenor._core.records import Json, JsonObject
from tenor.cli import options
from tenor.cli.layout import display_width, pad, table
from tenor.errors import counted, listed
from tenor.evaluation.slice_names import display_by, display_name

_MAX_SHOWN = 10
_NAMES = {
    "macro_f1": mark("macro-F1"),
    "micro_f1": mark("micro-F1"),
    "mae": mark("mean absolute error"),
    "rmse": mark("RMSE"),
}


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a trained model.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another trained model.")],
    data: Annotated[str, typer.Option(help="Labelled texts that neither model was trained on.")],
    text: options.Text = None,
    label: options.Label = None,
    label_separator: Annotated[
        str | None, typer.Option(help="Separator for multi-label cells. [default: as in A's training]")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Compare two models on labelled texts: which is better, on which slices, and whether it is more than chance."""
    from tenor.cli import console
    from tenor.data import sources
    from tenor.data.read_options import ReadOptions
    from tenor.evaluation import evaluate
    from tenor.inference import predictor

    one, other = predictor.load(first), predictor.load(second)
    reading = ReadOptions(
        text=options.column_names(text),
        label=options.column_names(label),
        decimal=decimal,
        label_separator=label_separator,
        drop_unlabelled=drop_unlabelled,
        drop_empty=drop_empty,
        missing_labels=tuple(missing_label or ()),
        unknown_labels=unknown_labels,
        **options.file_options(encoding, quoting, header, sheet, query),
    )
    with console.Console(quiet=as_json) as callback:
        rows, columns = sources.read_for_evaluation(
            data,
            evaluate.common_task(one, other),
            one.fields.union(other.fields),
            one.bundle.metadata,
            reading,
            callback,
            by or [],
        )
    comparison = evaluate.compare(one, other, rows, columns)
    changed = evaluate.changed_texts(comparison, rows)
    if as_json:
        notes = {"notes": callback.messages} if callback.messages else {}
        print(json.dumps({**comparison.metrics, "texts": changed, **notes}, ensure_ascii=False))
        return
    metrics = comparison.metrics
    console.show(*_metric_lines(metrics), *_slice_lines(metrics["slices"]), *_changed_lines(changed))


def _metric_lines(metrics: JsonObject) -> list[str]:
    rows, intervals = [["", "A", "B", "B - A"]], [tr("95% interval of B - A")]
    for key, metric in metrics["metrics"].items():
        low, high = metric["interval"]
        name = tr(_NAMES.get(key, key))
        rows.append([name, f"{metric['first']:.4f}", f"{metric['second']:.4f}", f"{metric['difference']:+.4f}"])
        intervals.append(tr("{low:+.4f} to {high:+.4f}", low=low, high=high))
    lines = [f"{line}  {interval}" for line, interval in zip(table(rows, (19, 8, 8, 8)), intervals, strict=True)]
    lines.append("")
    if test := metrics["mcnemar"]:
        lines.append(
            tr(
                "right in A alone: {first}, in B alone: {second:,} (McNemar's test: p = {p:.2g})",
                first=counted(test["only_first_right"], "text"),
                second=test["only_second_right"],
                p=test["p"],
            )
        )
    if unmeasured := metrics["unmeasured_classes"]:
        have = counted(len(unmeasured), "class has", "classes have")
        lines.append(
            tr(
                "not measured: {have} no text here ({unmeasured}); macro-F1 leaves them out.",
                have=have,
                unmeasured=listed(unmeasured),
            )
        )
    better = {"first": tr("A is better."), "second": tr("B is better.")}
    return [*lines, better.get(metrics["better"], _noise_line(metrics))]


def _noise_line(metrics: JsonObject) -> str:
    """Why the verdict is that neither model is better."""
    name, metric = next(iter(metrics["metrics"].items()))
    low, high = metric["interval"]
    reason = tr("the interval of {names} contains 0", names=tr(_NAMES.get(name, name)))
    if low > 0 or high < 0:
        reason = tr("p is {metrics:.2g}, not below 0.05", metrics=metrics["mcnemar"]["p"])
    return tr(
        "the difference is within noise: {reason}. These {metrics:,} texts do not show which model is better.",
        reason=reason,
        metrics=metrics["rows"],
    )


def _slice_lines(slices: list[JsonObject]) -> list[str]:
    if not slices:
        return []
    shown = slices if len(slices) <= _MAX_SHOWN else [*slices[: _MAX_SHOWN // 2], *slices[-_MAX_SHOWN // 2 :]]
    names = [f"{display_by(row['by'])} {display_name(row['by'], row['value']):.50}" for row in shown]
    width = max(map(display_width, names))
    lines = [
        "",
        tr(
            "slices, from the largest loss of B to its largest gain ({n_shown} of {n_slices})",
            n_shown=len(shown),
            n_slices=len(slices),
        ),
    ]
    for name, row in zip(names, shown, strict=True):
        lines.append(
            f"{pad(name, width)}  {row['first']:8.4f}  {row['second']:8.4f}  "
            f"{row['second'] - row['first']:+8.4f}  {counted(row['rows'], 'text')}"
        )
    return lines


def _changed_lines(changed: list[JsonObject]) -> list[str]:
    if not changed:
        return ["", tr("the models agree on every text.")]
    lines = ["", tr("the models differ on {changed}:", changed=counted(len(changed), "text"))]
    for row in changed[:_MAX_SHOWN]:
        label, first, second = (_label_text(row[key]) for key in ("label", "first", "second"))
        lines.append(
            tr("  row {row}: {label}; A {first}, B {second}", row=row["row"], label=label, first=first, second=second)
        )
        text = row["text"] if isinstance(row["text"], str) else " | ".join(map(": ".join, row["text"].items()))
        lines.append(f"    {' '.join(text.split()):.100}")
    more = len(changed) - _MAX_SHOWN
    return lines + [tr("  ... and {more:,} more (--json lists all)", more=more)] * (more > 0)


def _label_text(label: Json) -> str:
    if isinstance(label, (list, tuple)):
        return "+".join(label) or tr("no label")
    return f"{label:.6g}" if isinstance(label, float) else str(label)
