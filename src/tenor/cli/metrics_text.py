"""Metrics as lines of text: those of a test, of slices and of folds."""

from collections.abc import Sequence

from tenor._core.records import JsonObject
from tenor.cli import class_table
from tenor.cli.console import display_width, pad
from tenor.errors import counted, listed
from tenor.evaluation import confusion

_MAX_SLICES = 8
_MAX_CONFUSION = 10  # classes of a confusion matrix
_MAX_CONFUSED = 5  # pairs of classes


def describe(metrics: dict[str, float]) -> str:
    """`loss 0.3124, accuracy 0.8812, 612 texts/s`."""
    parts = []
    for name, value in metrics.items():
        if name == "texts_per_s":
            parts.append(f"{value:,.0f} texts/s")
        else:
            parts.append(f"{name.replace('_', ' ')} {value:.4f}")
    return ", ".join(parts)


def evaluation_lines(metrics: JsonObject, all_classes: str) -> list[str]:
    """Metrics of an evaluation, by task.

    Args:
        metrics: The metrics.
        all_classes: Where those of all classes are, such as `--json lists all`.
    """
    if metrics["task"] == "regression":
        return _regression_lines(metrics)
    lines = _multilabel_lines if metrics["task"] == "multilabel" else _class_lines
    return lines(metrics, all_classes)


def slice_lines(metrics: JsonObject, requested: Sequence[str] = ()) -> list[str]:
    """The slices of the requested columns, then the other slices on which a model is worse than on all texts.

    Args:
        metrics: The metrics of an evaluation.
        requested: Columns whose slices are shown in any case, the worst first.
    """
    metric = {"regression": "mean absolute error", "multilabel": "micro-F1"}.get(metrics["task"], "accuracy")
    lines = []
    for column in requested:
        rows = [each for each in metrics["slices"] if each["by"] == column]
        lines += ["", f"by {column} ({metric}, 95% interval)"]
        lines += _rows_of_slices([each["value"] for each in rows], rows)
        lines += ["no slice has 10 texts, or all texts are in one"] * (not rows)
    worse = [each for each in metrics["slices"] if each["worse"] and each["by"] not in requested]
    if worse:
        lines += ["", f"worse than on all texts by more than chance ({metric}, 95% interval)"]
        lines += _rows_of_slices([f"{each['by']} {each['value']}" for each in worse], worse)
    return lines


def _rows_of_slices(names: Sequence[str], rows: Sequence[JsonObject]) -> list[str]:
    """A line for each of the first slices."""
    shown = [f"{name:.60}" for name in names[:_MAX_SLICES]]
    width = max(map(display_width, shown), default=0)
    lines = []
    for name, row in zip(shown, rows, strict=False):
        value, (low, high) = row["figure"], row["interval"]
        lines.append(f"{pad(name, width)}  {value:.4f}  ({low:.4f} to {high:.4f}, {counted(row['rows'], 'text')})")
    more = len(rows) - _MAX_SLICES
    return lines + [f"... and {more:,} more (--json lists all)"] * (more > 0)


def fold_lines(metrics: JsonObject) -> list[str]:
    """Metrics of a cross-validation."""
    each = metrics["each"]
    rows = sum(fold["rows"] for fold in each)
    lines = [f"{metrics['folds']} folds, {rows:,} texts evaluated; the saved model was trained on all of them", ""]
    lines.append("            mean     std")
    for key, mean in metrics["mean"].items():
        name = {"macro_f1": "macro-F1", "roc_auc": "ROC AUC"}.get(key, key.replace("_", " "))
        measured = sum(fold.get(key) is not None for fold in each)
        deviation = metrics["std"][key]
        spread = class_table.NOT_MEASURED if deviation is None else f"{deviation:6.4f}"
        line = f"{name:8}  {mean:6.4f}  {spread}"
        lines.append(line + f"  ({measured} of {len(each)} folds)" * (measured < len(each)))
    lacking = [fold for fold in each if fold.get("unmeasured_classes")]
    if lacking:
        names = sorted({name for fold in lacking for name in fold["unmeasured_classes"]})
        lines.append(
            f"{class_table.NOT_MEASURED} in {len(lacking)} of {len(each)} folds, as no text there has them: "
            f"{listed(names)}; means over classes leave them out there."
        )
    return [*lines, *class_table.templated_lines(metrics)]


def _regression_lines(metrics: JsonObject) -> list[str]:
    names = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R2"}
    names |= {"pearson": "Pearson correlation", "spearman": "Spearman correlation"}
    lines = [f"{name:23}  {_number(metrics[key])}" for key, name in names.items()]
    lines.append(f"{'texts':23}  {metrics['rows']:,}")
    widths = ["infinite" if row["width"] is None else f"{row['width']:.4g}" for row in metrics.get("coverage", [])]
    return [*lines, *_coverage_lines(metrics, f"{'mean width':>10}", [f"{width:>10}" for width in widths])]


def _multilabel_lines(metrics: JsonObject, all_classes: str) -> list[str]:
    names = {"micro_f1": "micro-F1", "macro_f1": "macro-F1", "average_precision": "average precision"}
    names |= {"hamming_loss": "Hamming loss", "exact_match": "exact match", "log_loss": "log loss"}
    lines = [f"{name:17}  {_number(metrics[key])}" for key, name in names.items()]
    lines += [_calibration_line(metrics), f"{'texts':17}  {metrics['rows']:,}"]
    lines += class_table.unmeasured_lines(metrics["per_class"], "label")
    return [*lines, "", *class_table.class_lines(metrics["per_class"], "label", all_classes), *_set_lines(metrics)]


def _class_lines(metrics: JsonObject, all_classes: str) -> list[str]:
    low, high = metrics["accuracy_interval"]
    texts = counted(metrics["rows"], "text")
    lines = [
        f"accuracy  {metrics['accuracy']:.4f}  (95% interval {low:.4f} to {high:.4f}, {texts})",
        f"macro-F1  {_number(metrics['macro_f1'])}",
        f"log loss  {metrics['log_loss']:.4f}",
        f"ROC AUC   {_number(metrics['roc_auc'])}",
        _calibration_line(metrics),
        *class_table.unmeasured_lines(metrics["per_class"], "class"),
        *class_table.templated_lines(metrics),
        "",
        *class_table.class_lines(metrics["per_class"], "class", all_classes),
    ]
    names = list(metrics["per_class"])
    if len(names) <= _MAX_CONFUSION:
        width = max(len("class"), *map(display_width, names))
        cell = max(8, *(display_width(name) + 2 for name in names))
        lines += ["", "confusion (rows: true, columns: predicted)"]
        lines.append(" " * width + "".join(" " * (cell - display_width(name)) + name for name in names))
        for name, counts in zip(names, metrics["confusion"], strict=True):
            lines.append(pad(name, width) + "".join(f"{count:{cell},}" for count in counts))
    else:
        pairs = confusion.mistakes(metrics, names)[:_MAX_CONFUSED]
        listing = "; ".join(f"{pair.true} as {pair.predicted} ({pair.rows:,})" for pair in pairs)
        lines += ["", f"most frequent mistakes: {listing}"] if pairs else []
    return [*lines, *_set_lines(metrics)]


def _number(value: float | None) -> str:
    """The number with four decimals; a metric that has no value here was not measured."""
    return class_table.NOT_MEASURED if value is None else f"{value:.4f}"


def _calibration_line(metrics: JsonObject) -> str:
    before = metrics.get("uncalibrated")
    comparison = f"  (before calibration {before['expected_calibration_error']:.4f})" if before else ""
    return f"calibration error  {metrics['expected_calibration_error']:.4f}{comparison}"


def _set_lines(metrics: JsonObject) -> list[str]:
    cells = []
    for row in metrics.get("coverage", []):
        accuracy = "" if row["single_right"] is None else f"{row['single_right']:.1%}"
        cells.append(f"{row['mean_size']:13.2f}  {row['single']:10.1%}  {accuracy:>18}")
    return _coverage_lines(metrics, "mean set size  singletons  singleton accuracy", cells)


def _coverage_lines(metrics: JsonObject, head: str, cells: list[str]) -> list[str]:
    """A table of prediction sets or intervals: the target coverage and the empirical one, then `cells`."""
    if not cells:
        return []
    rows = zip(metrics["coverage"], cells, strict=True)
    return [
        "",
        f"coverage  empirical  {head}",
        *(f"{row['coverage']:8.0%}  {row['found']:9.1%}  {cell}" for row, cell in rows),
    ]
