"""The leaderboard of candidates: a growing table on a terminal, a line for each candidate in a pipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenor._core.language import tr
from tenor.cli.layout import pad
from tenor.cli.metric_names import metric_name

if TYPE_CHECKING:
    from rich.table import Table


def row(name: str, metrics: dict[str, float]) -> str:
    """`bag           accuracy 0.9012 (0.8930 to 0.9094)  loss 0.2461     21.3 s  10,312 texts/s     9.8 MiB`."""
    score, value, interval = _score(metrics)
    line = tr(
        "{name} {score} {value} ({interval})  loss {loss:.4f}",
        name=pad(name, 13),
        score=score,
        value=value,
        interval=interval,
        loss=metrics["validation_loss"],
    )
    if "seconds" in metrics:
        line += tr(
            "  {seconds:7.1f} s  {speed:9,.0f} texts/s", seconds=metrics["seconds"], speed=metrics["texts_per_s"]
        )
        line += f"  {_mib(metrics['size_mib']):>7} MiB"
    return line


def table(rows: Sequence[tuple[str, dict[str, float]]]) -> "Table":
    """The rows as a table of Rich, in the order in which they came; the row with the lowest loss is bold."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    leaderboard = Table(box=box.SIMPLE_HEAD)
    leaderboard.add_column(tr("model"))
    score = _score(rows[0][1])[0]
    for title in (score, tr("95% interval"), tr("loss"), tr("seconds"), tr("texts/s"), "MiB"):
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
    interval = tr("{low:.4f} to {high:.4f}", low=metrics[low + "_low"], high=metrics[low + "_high"])
    return metric_name(low.removeprefix("validation_")), f"{metrics[low]:.4f}", interval
