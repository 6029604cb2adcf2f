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
        logarithmic: Drawn evenly by its logarithm.
        whole: A whole number.
    """

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False


Space = dict[str, Choice | Range]
"""The name of a setting -> what it may be."""


def around(value: float, below: float, above: float) -> Range:
    """From `value / below` to `value * above`, by the logarithm."""
    return Range(value / below, value * above, logarithmic=True)
