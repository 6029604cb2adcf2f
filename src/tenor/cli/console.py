"""What people see: results on standard output; on standard error a progress bar on a terminal, plain lines in a pipe.

All of it goes through `printable`, so commands print through here alone, but for what programs read.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from tenor._core.callbacks import Callback
from tenor._core.printable import printable, printable_row
from tenor.cli import leaderboard
from tenor.cli.spelling import with_flags
from tenor.errors import counted

_LINE_EVERY_S = 10.0
_SLICES = 8


def show(*lines: str) -> None:
    """Print lines to standard output. What would end a line within one is escaped, so each argument is one line."""
    print("\n".join(map(printable_row, lines)))


def note(*lines: str) -> None:
    """Print lines to standard error, like `show`."""
    print("\n".join(map(printable_row, lines)), file=sys.stderr, flush=True)


class Console(Callback):
    """Shows progress. Use it as a context, so that a bar is closed whatever happens.

    Attributes:
        said: The lines that were said, for those who print them another way.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet
        self._board: list[tuple[str, dict[str, float]]] = []
        self._live: Any = None
        self._bar: Any = None
        self._task: Any = None
        self._step = ""
        self._told = time.monotonic()
        self.said: list[str] = []

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        if self._live is not None:  # the table stays, without the bar
            self._live.update(leaderboard.table(self._board), refresh=True)
            self._live.stop()
            self._live = None

    def on_message(self, message: str) -> None:
        self._close()
        message = with_flags(printable(message))
        self.said.append(message)
        if self._live is not None:
            self._live.console.print(message, markup=False, highlight=False, soft_wrap=True)
        elif not self._quiet:
            note(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if self._terminal:
            self._open(stage, total)
            through = describe(metrics) if total else counted(done, "row")
            self._bar.update(self._task, completed=done, figures=through)
        elif not self._quiet and time.monotonic() - self._told >= _LINE_EVERY_S:
            self._told = time.monotonic()
            through = f"{done:,} of {total:,}" if total else counted(done, "row")
            self.on_message(f"{stage}: {through}" + (f"; {describe(metrics)}" if metrics else ""))

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        self._close()
        self.on_message(f"{epoch}: {describe(metrics)}")

    def on_candidate_end(self, name: str, metrics: dict[str, float], settings: Mapping[str, Any] | None = None) -> None:
        self._close()
        self._board.append((name, metrics))
        if self._terminal:
            self.said.append(leaderboard.row(name, metrics))
            self._show()
        else:
            self.on_message(leaderboard.row(name, metrics))

    def _show(self) -> None:
        """The table of what was compared, and under it the bar of what goes on."""
        from rich.console import Console as RichConsole
        from rich.console import Group
        from rich.live import Live

        table = leaderboard.table(self._board)
        shown = table if self._bar is None else Group(table, self._bar)
        if self._live is None:
            self._live = Live(shown, console=RichConsole(stderr=True))
            self._live.start()
        else:
            self._live.update(shown, refresh=True)

    def _open(self, step: str, total: int) -> None:
        if self._bar is not None and step == self._step:
            return
        self._close()
        from rich import progress
        from rich.console import Console as RichConsole

        self._step = step
        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[figures]}", markup=False),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(*columns, console=RichConsole(stderr=True), transient=True)
        self._task = self._bar.add_task(printable(step), total=total or None, figures="")
        if self._board:
            self._show()
        else:
            self._bar.start()

    def _close(self) -> None:
        if self._bar is None:
            return
        if self._live is None:
            self._bar.stop()
        self._bar = None
        if self._live is not None:
            self._show()


def describe(figures: dict[str, float]) -> str:
    """`loss 0.3124, accuracy 0.8812, 612 texts/s`."""
    parts = []
    for name, value in figures.items():
        if name == "texts_per_s":
            parts.append(f"{value:,.0f} texts/s")
        else:
            parts.append(f"{name.replace('_', ' ')} {value:.4f}")
    return ", ".join(parts)


def results(metrics: dict[str, Any]) -> list[str]:
    """Test metrics as lines for people."""
    if metrics["task"] == "regression":
        return _of_values(metrics)
    return _of_label_sets(metrics) if metrics["task"] == "multilabel" else _of_classes(metrics)


def _of_values(metrics: dict[str, Any]) -> list[str]:
    names = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R2"}
    names |= {"pearson": "Pearson correlation", "spearman": "Spearman correlation"}
    lines = [f"{name:23}  {metrics[key]:.4f}" for key, name in names.items() if metrics[key] is not None]
    lines.append(f"{'texts':23}  {metrics['rows']:,}")
    widths = [f"{_width(row['width']):>9}" for row in metrics.get("coverage", [])]
    return [*lines, *_coverage(metrics, "width", widths)]


def _of_label_sets(metrics: dict[str, Any]) -> list[str]:
    names = {"micro_f1": "micro-F1", "macro_f1": "macro-F1", "average_precision": "average precision"}
    names |= {"hamming_loss": "Hamming loss", "exact_match": "exact match", "log_loss": "log loss"}
    lines = [f"{name:17}  {metrics[key]:.4f}" for key, name in names.items() if metrics[key] is not None]
    lines += [_calibrated("calibration error", metrics), f"{'texts':17}  {metrics['rows']:,}"]
    return [*lines, "", *_per_class(metrics["per_class"], "label"), *_sets(metrics)]


def _of_classes(metrics: dict[str, Any]) -> list[str]:
    low, high = metrics["accuracy_interval"]
    texts = counted(metrics["rows"], "text")
    lines = [
        f"accuracy  {metrics['accuracy']:.4f}  (95% interval {low:.4f} to {high:.4f}, {texts})",
        f"macro-F1  {metrics['macro_f1']:.4f}",
        f"log loss  {metrics['log_loss']:.4f}",
    ]
    if metrics["roc_auc"] is not None:
        lines.append(f"ROC AUC   {metrics['roc_auc']:.4f}")
    lines.append(_calibrated("calibration error", metrics))
    names = list(metrics["per_class"])
    width = max(len("class"), *map(display_width, names))
    lines += ["", *_per_class(metrics["per_class"], "class")]
    if len(names) <= 10:
        cell = max(8, *(display_width(name) + 2 for name in names))
        lines += ["", "confusion (rows: true, columns: predicted)"]
        lines.append(" " * width + "".join(" " * (cell - display_width(name)) + name for name in names))
        for name, counts in zip(names, metrics["confusion"], strict=True):
            lines.append(pad(name, width) + "".join(f"{count:{cell},}" for count in counts))
    return [*lines, *_sets(metrics)]


def _calibrated(name: str, metrics: dict[str, Any]) -> str:
    before = metrics.get("uncalibrated")
    told = f"  (before calibration {before['expected_calibration_error']:.4f})" if before else ""
    return f"{name}  {metrics['expected_calibration_error']:.4f}{told}"


def _sets(metrics: dict[str, Any]) -> list[str]:
    cells = []
    for row in metrics.get("coverage", []):
        accuracy = "" if row["single_right"] is None else f"{row['single_right']:.1%}"
        cells.append(f"{row['mean_size']:13.2f}  {row['single']:10.1%}  {accuracy:>18}")
    return _coverage(metrics, "mean set size  singletons  singleton accuracy", cells)


def _coverage(metrics: dict[str, Any], head: str, cells: list[str]) -> list[str]:
    """How often prediction sets and intervals contained the true label or value, beside the target."""
    if not cells:
        return []
    rows = zip(metrics["coverage"], cells, strict=True)
    return [
        "",
        f"coverage  empirical  {head}",
        *(f"{row['coverage']:8.0%}  {row['found']:9.1%}  {cell}" for row, cell in rows),
    ]


def _width(width: float | None) -> str:
    return "infinite" if width is None else f"{width:.4g}"


def slices(metrics: dict[str, Any]) -> list[str]:
    """The parts of the data on which a model is worse than on all, as lines for people."""
    worse = [part for part in metrics["slices"] if part["worse"]]
    if not worse:
        return []
    figure = {"regression": "mean absolute error", "multilabel": "micro-F1"}.get(metrics["task"], "accuracy")
    names = [f"{part['by']} {part['value']:.50}" for part in worse[:_SLICES]]
    width = max(map(display_width, names))
    lines = ["", f"worse than on all texts by more than chance ({figure}, 95% interval)"]
    for name, part in zip(names, worse, strict=False):
        low, high = part["interval"]
        lines.append(
            f"{pad(name, width)}  {part['figure']:.4f}  ({low:.4f} to {high:.4f}, {counted(part['rows'], 'text')})"
        )
    return lines + [f"... and {len(worse) - _SLICES:,} more (--json lists all)"] * (len(worse) > _SLICES)


def _per_class(rows: dict[str, Any], head: str) -> list[str]:
    width = max(len(head), *map(display_width, rows))
    lines = [pad(head, width) + "  precision  recall      F1    rows"]
    for name, row in rows.items():
        lines.append(
            f"{pad(name, width)}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}  {row['rows']:6,}"
        )
    return lines


def folds(measured: dict[str, Any]) -> list[str]:
    """Metrics of a cross-validation as lines for people."""
    rows = sum(fold["rows"] for fold in measured["each"])
    lines = [f"{measured['folds']} folds, {rows:,} texts measured; the saved model has learned from all of them", ""]
    lines.append("            mean     std")
    for key, mean in measured["mean"].items():
        name = {"macro_f1": "macro-F1", "roc_auc": "ROC AUC"}.get(key, key.replace("_", " "))
        lines.append(f"{name:8}  {mean:6.4f}  {measured['std'][key]:6.4f}")
    return lines


def display_width(text: str) -> int:
    """Columns of a terminal that a text takes, as it is shown; a Chinese character takes two."""
    import unicodedata

    text = printable_row(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def pad(text: str, width: int) -> str:
    """The text and blanks up to that many columns."""
    return text + " " * (width - display_width(text))
