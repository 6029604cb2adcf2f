"""Search spaces: the values that a search may try for each setting; `Config.space` of a family returns one."""

from dataclasses import dataclass

from tenor._core.records import Json


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Json, ...]


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Drawn uniformly on a logarithmic scale.
        integer: Whether it is a whole number.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False


Space = dict[str, Choice | Range]
"""Name of a setting -> its possible values."""


def log_range(value: float, below: float, above: float) -> Range:
    """A range from `value / below` to `value * above`, on a logarithmic scale."""
    return Range(value / below, value * above, log=True)
