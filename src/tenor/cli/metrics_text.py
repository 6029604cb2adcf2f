"""Metrics as lines of text: those of a test, of slices and of folds."""

from collections.abc import Sequence

from tenor._core.language import tr
from tenor._core.printable import shortened
from tenor._core.records import JsonObject
from tenor.cli import class_table
from tenor.cli.layout import display_width, pad, table
from tenor.cli.metric_names import metric_name
from tenor.errors import counted, listed
from tenor.evaluation import confusion
from tenor.evaluation.slice_names import display_by, display_name

_MAX_SLICES = 8
_MAX_CONFUSION = 10  # classes of a confusion matrix
_MAX_CONFUSED = 5  # pairs of classes


def describe(metrics: dict[str, float]) -> str:
    """`loss 0.3124, accuracy 0.8812, 612 texts/s`."""
    parts = []
    for name, value in metrics.items():
        if name == "texts_per_s":
            parts.append(tr("{value:,.0f} texts/s", value=value))
        else:
            parts.append(f"{metric_name(name)} {value:.4f}")
    return tr(", ").join(parts)


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
    metric = {"regression": tr("mean absolute error"), "multilabel": "micro-F1"}.get(metrics["task"], tr("accuracy"))
    lines = []
    for column in requested:
        rows = [each for each in metrics["slices"] if each["by"] == column]
        lines += ["", tr("by {column} ({metric}, 95% interval)", column=column, metric=metric)]
        lines += _rows_of_slices([display_name(column, each["value"]) for each in rows], rows)
        lines += [tr("no slice has 10 texts, or all texts are in one")] * (not rows)
    worse = [each for each in metrics["slices"] if each["worse"] and each["by"] not in requested]
    if worse:
        lines += ["", tr("worse than on all texts by more than chance ({metric}, 95% interval)", metric=metric)]
        lines += _rows_of_slices(
            [f"{display_by(each['by'])} {display_name(each['by'], each['value'])}" for each in worse], worse
        )
    return lines


def _rows_of_slices(names: Sequence[str], rows: Sequence[JsonObject]) -> list[str]:
    """A line for each of the first slices."""
    shown = [f"{name:.60}" for name in names[:_MAX_SLICES]]
    width = max(map(display_width, shown), default=0)
    lines = []
    for name, row in zip(shown, rows, strict=False):
        value, (low, high) = row["figure"], row["interval"]
        lines.append(
            tr(
                "{pad}  {value:.4f}  ({low:.4f} to {high:.4f}, {row})",
                pad=pad(name, width),
                value=value,
                low=low,
                high=high,
                row=counted(row["rows"], "text"),
            )
        )
    more = len(rows) - _MAX_SLICES
    return lines + [tr("... and {more:,} more (--json lists all)", more=more)] * (more > 0)


def fold_lines(metrics: JsonObject) -> list[str]:
    """Metrics of a cross-validation."""
    each = metrics["each"]
    lines = [
        tr(
            "{metrics} folds, {rows:,} texts evaluated; the saved model was trained on all of them",
            metrics=metrics["folds"],
            rows=sum(fold["rows"] for fold in each),
        ),
        "",
    ]
    rows = [["", tr("mean"), tr("std"), ""]]
    for key, mean in metrics["mean"].items():
        name = metric_name(key)
        measured = sum(fold.get(key) is not None for fold in each)
        deviation = metrics["std"][key]
        spread = class_table.not_measured() if deviation is None else f"{deviation:6.4f}"
        some = tr("({measured} of {n_each} folds)", measured=measured, n_each=len(each)) if measured < len(each) else ""
        rows.append([name, f"{mean:6.4f}", spread, some])
    lines += table(rows, (8, 6, 6))
    lacking = [fold for fold in each if fold.get("unmeasured_classes")]
    if lacking:
        names = sorted({name for fold in lacking for name in fold["unmeasured_classes"]})
        lines.append(
            tr(
                "not measured in {n_lacking} of {n_each} folds, as no text there has them: {names}; "
                "means over classes leave them out there.",
                n_lacking=len(lacking),
                n_each=len(each),
                names=listed(names),
            )
        )
    return [*lines, *class_table.templated_lines(metrics)]


def _regression_lines(metrics: JsonObject) -> list[str]:
    names = {"mae": tr("mean absolute error"), "rmse": tr("root mean squared error"), "r2": "R2"}
    names |= {"pearson": tr("Pearson correlation"), "spearman": tr("Spearman correlation")}
    lines = _named_lines({name: _number(metrics[key]) for key, name in names.items()} | _texts(metrics))
    widths = [tr("infinite") if row["width"] is None else f"{row['width']:.4g}" for row in metrics.get("coverage", [])]
    return [*lines, *_coverage_lines(metrics, [tr("mean width")], [[width] for width in widths], (10,))]


def _multilabel_lines(metrics: JsonObject, all_classes: str) -> list[str]:
    names = {"micro_f1": "micro-F1", "macro_f1": "macro-F1", "average_precision": tr("average precision")}
    names |= {"hamming_loss": tr("Hamming loss"), "exact_match": tr("exact match"), "log_loss": tr("log loss")}
    lines = _named_lines(
        {name: _number(metrics[key]) for key, name in names.items()} | _calibration(metrics) | _texts(metrics)
    )
    lines += class_table.unmeasured_lines(metrics["per_class"], "label")
    return [*lines, "", *class_table.class_lines(metrics["per_class"], "label", all_classes), *_set_lines(metrics)]


def _class_lines(metrics: JsonObject, all_classes: str) -> list[str]:
    low, high = metrics["accuracy_interval"]
    texts = counted(metrics["rows"], "text")
    interval = tr("(95% interval {low:.4f} to {high:.4f}, {texts})", low=low, high=high, texts=texts)
    values = {
        tr("accuracy"): f"{metrics['accuracy']:.4f}  {interval}",
        tr("macro-F1"): _number(metrics["macro_f1"]),
        tr("log loss"): f"{metrics['log_loss']:.4f}",
        "ROC AUC": _number(metrics["roc_auc"]),
    }
    lines = [
        *_named_lines(values),
        *_named_lines(_calibration(metrics), at_least=max(map(display_width, values))),
        *class_table.unmeasured_lines(metrics["per_class"], "class"),
        *class_table.templated_lines(metrics),
        "",
        *class_table.class_lines(metrics["per_class"], "class", all_classes),
    ]
    names = list(map(shortened, metrics["per_class"]))
    if len(names) <= _MAX_CONFUSION:
        width = max(5, *map(display_width, names))
        cell = max(8, *(display_width(name) + 2 for name in names))
        lines += ["", tr("confusion (rows: true, columns: predicted)")]
        lines.append(" " * width + "".join(" " * (cell - display_width(name)) + name for name in names))
        for name, counts in zip(names, metrics["confusion"], strict=True):
            lines.append(pad(name, width) + "".join(f"{count:{cell},}" for count in counts))
    else:
        pairs = confusion.mistakes(metrics, names)[:_MAX_CONFUSED]
        listing = tr("; ").join(
            tr("{true} as {predicted} ({rows:,})", true=pair.true, predicted=pair.predicted, rows=pair.rows)
            for pair in pairs
        )
        lines += ["", tr("most frequent mistakes: {listing}", listing=listing)] if pairs else []
    return [*lines, *_set_lines(metrics)]


def _number(value: float | None) -> str:
    """The number with four decimals; a metric that has no value here was not measured."""
    return class_table.not_measured() if value is None else f"{value:.4f}"


def _named_lines(values: dict[str, str], at_least: int = 0) -> list[str]:
    width = max(at_least, *map(display_width, values))
    return [f"{pad(name, width)}  {value}" for name, value in values.items()]


def _texts(metrics: JsonObject) -> dict[str, str]:
    return {tr("texts"): f"{metrics['rows']:,}"}


def _calibration(metrics: JsonObject) -> dict[str, str]:
    value = f"{metrics['expected_calibration_error']:.4f}"
    if before := metrics.get("uncalibrated"):
        value += "  " + tr("(before calibration {before:.4f})", before=before["expected_calibration_error"])
    return {tr("calibration error"): value}


def _set_lines(metrics: JsonObject) -> list[str]:
    cells = []
    for row in metrics.get("coverage", []):
        accuracy = "" if row["single_right"] is None else f"{row['single_right']:.1%}"
        cells.append([f"{row['mean_size']:.2f}", f"{row['single']:.1%}", accuracy])
    return _coverage_lines(metrics, [tr("mean set size"), tr("singletons"), tr("singleton accuracy")], cells)


def _coverage_lines(
    metrics: JsonObject, titles: list[str], cells: list[list[str]], at_least: tuple[int, ...] = ()
) -> list[str]:
    """A table of prediction sets or intervals: the target coverage and the empirical one, then `cells`."""
    if not cells:
        return []
    rows = [
        [f"{row['coverage']:.0%}", f"{row['found']:.1%}", *each]
        for row, each in zip(metrics["coverage"], cells, strict=True)
    ]
    return ["", *table([[tr("coverage"), tr("empirical"), *titles], *rows], (0, 0, *at_least), left=0)]
