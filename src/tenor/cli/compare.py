"""`tenor compare`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tenor.cli import options
from tenor.errors import counted

_SHOWN = 10
_NAMES = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "mae": "mean absolute error", "rmse": "RMSE"}


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
    drop_unlabelled: options.DropUnlabelled = False,
    drop_empty: options.DropEmpty = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one line of JSON.")] = False,
) -> None:
    """Compare two models on labelled texts: which is better, on which slices, and whether it is more than chance."""
    from tenor.cli import console
    from tenor.data import sources
    from tenor.data.read_options import ReadOptions
    from tenor.evaluation import evaluate
    from tenor.inference import predictor

    one, other = predictor.load(first), predictor.load(second)
    reading = ReadOptions(
        text=text,
        label=label,
        label_separator=label_separator,
        drop_unlabelled=drop_unlabelled,
        drop_empty=drop_empty,
    )
    with console.Console(quiet=as_json) as callback:
        rows, columns = sources.read_for_evaluation(
            data, one.bundle.task.kind, one.bundle.metadata, reading, callback, by or []
        )
    found = evaluate.compare(one, other, rows, columns)
    changed = [
        {
            "row": rows.row_number(row),
            "text": rows.texts[row],
            "label": rows.labels[row],
            "first": found.first_predictions[row],
            "second": found.second_predictions[row],
        }
        for row in found.changed_rows
    ]
    if as_json:
        print(json.dumps({**found.metrics, "texts": changed}, ensure_ascii=False))
        return
    console.show(*_figures(found.metrics), *_slices(found.metrics, console), *_changed(changed))


def _figures(figures: dict[str, Any]) -> list[str]:
    lines = [f"{'':19}  {'A':>8}  {'B':>8}  {'B - A':>8}  95% interval"]
    for key, metric in figures["metrics"].items():
        low, high = metric["interval"]
        one, other, difference = (metric[which] for which in ("first", "second", "difference"))
        lines.append(
            f"{_NAMES.get(key, key):19}  {one:8.4f}  {other:8.4f}  {difference:+8.4f}  {low:+.4f} to {high:+.4f}"
        )
    lines.append("")
    if tested := figures["mcnemar"]:
        lines.append(
            f"right in A alone: {counted(tested['only_first_right'], 'text')}, "
            f"in B alone: {tested['only_second_right']:,} "
            f"(McNemar's test: p = {tested['p']:.2g})"
        )
    better = {"first": "A is better.", "second": "B is better."}
    noise = "the difference is within noise: these texts do not tell which model is better."
    return [*lines, better.get(figures["better"], noise)]


def _slices(figures: dict[str, Any], console: Any) -> list[str]:
    parts = figures["slices"]
    if not parts:
        return []
    shown = parts if len(parts) <= _SHOWN else [*parts[: _SHOWN // 2], *parts[-_SHOWN // 2 :]]
    names = [f"{part['by']} {part['value']:.50}" for part in shown]
    width = max(map(console.display_width, names))
    lines = ["", f"parts of the data, from the greatest loss by B to its greatest gain ({len(shown)} of {len(parts)})"]
    for name, part in zip(names, shown, strict=True):
        lines.append(
            f"{console.pad(name, width)}  {part['first']:8.4f}  {part['second']:8.4f}  "
            f"{part['second'] - part['first']:+8.4f}  {counted(part['rows'], 'text')}"
        )
    return lines


def _changed(changed: list[dict[str, Any]]) -> list[str]:
    if not changed:
        return ["", "the models agree on every text."]
    lines = ["", f"the models differ on {counted(len(changed), 'text')}:"]
    for row in changed[:_SHOWN]:
        lines.append(f"  row {row['row']}: {_said(row['label'])}; A {_said(row['first'])}, B {_said(row['second'])}")
        lines.append(f"    {' '.join(row['text'].split()):.100}")
    more = len(changed) - _SHOWN
    return lines + [f"  ... and {more:,} more (--json lists all)"] * (more > 0)


def _said(label: Any) -> str:
    if isinstance(label, (list, tuple)):
        return "+".join(label) or "no label"
    return f"{label:.6g}" if isinstance(label, float) else str(label)
