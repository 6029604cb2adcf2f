"""The leaderboard of candidates: a growing table on a terminal, a line for each candidate in a pipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def row(name: str, metrics: dict[str, float]) -> str:
    """`bag           accuracy 0.9012 (0.8930 to 0.9094)  loss 0.2461     21.3 s  10,312 texts/s     9.8 MiB`."""
    score, value, interval = _score(metrics)
    line = f"{name:<13} {score} {value} ({interval})  loss {metrics['validation_loss']:.4f}"
    if "seconds" in metrics:
        line += f"  {metrics['seconds']:7.1f} s  {metrics['texts_per_s']:9,.0f} texts/s"
        line += f"  {_mib(metrics['size_mib']):>7} MiB"
    return line


def table(rows: Sequence[tuple[str, dict[str, float]]]) -> "Table":
    """The rows as a table of Rich, in the order in which they came; the row with the lowest loss is bold."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    leaderboard = Table(box=box.SIMPLE_HEAD)
    leaderboard.add_column("model")
    score = _score(rows[0][1])[0]
    for title in (score, "95% interval", "loss", "seconds", "texts/s", "MiB"):
        leaderboard.add_column(title, justify="right", no_wrap=True)
    best = min(metrics["validation_loss"] for _, metrics in rows)
    for name, metrics in rows:
        _, value, interval = _score(metrics)
        cells = [name, value, interval, f"{metrics['validation_loss']:.4f}"]
        if "seconds" in metrics:
            cells += [f"{metrics['seconds']:.1f}", f"{metrics['texts_per_s']:,.0f}", _mib(metrics["size_mib"])]
        style = "bold" if metrics["validation_loss"] == best else ""
        leaderboard.add_row(*(Text(cell) for cell in cells), style=style)
    return leaderboard


def _mib(size: float) -> str:
    """`9.8`; of a size that would round to 0.0, the first significant digit."""
    return f"{size:.1f}" if size >= 0.1 else f"{size:.1g}"


def _score(metrics: dict[str, float]) -> tuple[str, str, str]:
    """(name, value, interval) of the metric that has an interval."""
    low = next(key for key in metrics if key.endswith("_low")).removesuffix("_low")
    interval = f"{metrics[low + '_low']:.4f} to {metrics[low + '_high']:.4f}"
    return low.removeprefix("validation_").replace("_", " "), f"{metrics[low]:.4f}", interval
