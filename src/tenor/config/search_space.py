"""What a search may change: ranges that the settings of a family declare (`Config.space`)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Drawn evenly by its logarithm.
        integer: A whole number.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False


Space = dict[str, Choice | Range]
"""The name of a setting -> what it may be."""


def log_range(value: float, below: float, above: float) -> Range:
    """From `value / below` to `value * above`, by the logarithm."""
    return Range(value / below, value * above, log=True)
