"""What was tried on the same texts: a table that grows on a terminal, a line for each in a pipe."""

from collections.abc import Sequence
from typing import Any


def row(name: str, figures: dict[str, float]) -> str:
    """`bag           accuracy 0.9012 (0.8930 to 0.9094)  loss 0.2461     21.3 s  10,312 texts/s     9.8 MiB`."""
    score, value, interval = _score(figures)
    told = f"{name:<13} {score} {value} ({interval})  loss {figures['validation_loss']:.4f}"
    if "seconds" in figures:
        told += f"  {figures['seconds']:7.1f} s  {figures['texts_per_s']:9,.0f} texts/s"
        told += f"  {_mib(figures['size_mib']):>7} MiB"
    return told


def table(rows: Sequence[tuple[str, dict[str, float]]]) -> Any:
    """The rows as a table of Rich, in the order in which they came; the lowest loss stands out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = Table(box=box.SIMPLE_HEAD)
    found.add_column("model")
    score = _score(rows[0][1])[0]
    for title in (score, "95% interval", "loss", "seconds", "texts/s", "MiB"):
        found.add_column(title, justify="right", no_wrap=True)
    best = min(figures["validation_loss"] for _, figures in rows)
    for name, figures in rows:
        _, value, interval = _score(figures)
        cells = [name, value, interval, f"{figures['validation_loss']:.4f}"]
        if "seconds" in figures:
            cells += [f"{figures['seconds']:.1f}", f"{figures['texts_per_s']:,.0f}", _mib(figures["size_mib"])]
        style = "bold" if figures["validation_loss"] == best else ""
        found.add_row(*(Text(cell) for cell in cells), style=style)
    return found


def _mib(size: float) -> str:
    """`9.8`; of what is small enough to round to 0.0, the first digit that counts."""
    return f"{size:.1f}" if size >= 0.1 else f"{size:.1g}"


def _score(figures: dict[str, float]) -> tuple[str, str, str]:
    """(name, value, interval) of the score that comes with an interval."""
    low = next(key for key in figures if key.endswith("_low")).removesuffix("_low")
    interval = f"{figures[low + '_low']:.4f} to {figures[low + '_high']:.4f}"
    return low.removeprefix("validation_").replace("_", " "), f"{figures[low]:.4f}", interval
