"""Tables and numbers as RESULTS.md shows them."""

from statistics import median
from typing import Any

Runs = list[dict[str, Any]]
Row = tuple[str, ...]


def skipped(runs: Runs) -> str:
    """Why a program was left out on this machine; empty where it ran."""
    return str(runs[-1].get("skipped", "")) if runs else ""


def middle(runs: Runs, *names: str) -> float:
    """The median over the runs of the sum of the measurements `names`."""
    return median(sum(run[name] for name in names) for run in runs)


def table(header: Row, rows: list[Row]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def score(value: float) -> str:
    """An accuracy, to four places."""
    return f"{value:.4f}"


def seconds(value: float) -> str:
    """A duration: to a hundredth below ten seconds, then to a tenth."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def mib(value: float) -> str:
    """A size, to whole MiB from ten on."""
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def ratio(value: float, base: float) -> str:
    """`value` as a share of `base`."""
    return f"{value / base:.2f}"


def met(condition: bool) -> str:
    """Whether a target was reached."""
    return "yes" if condition else "no"


def times(value: float) -> str:
    """A ratio, to a hundredth."""
    return f"{value:.2f} x"
