"""Every error that Tenor raises on purpose, and the place in the input that it points at."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """A place in the input: file, row and column.

    Attributes:
        file: Name of the file as the user gave it.
        row: Number of the data row, from 1; a header line is not counted.
        column: Name of the column.
    """

    file: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column {self.column!r}")
        return ", ".join(parts)


class TenorError(Exception):
    """Something is wrong with the input, not with Tenor.

    Args:
        problem: What is wrong, as one sentence.
        remedy: What the user can do, as one sentence.
        at: Where it is wrong.
    """

    def __init__(self, problem: str, remedy: str = "", at: Location | None = None) -> None:
        self.problem = f"{at}: {problem}" if at else problem
        self.remedy = remedy
        self.at = at
        super().__init__(f"{self.problem} {remedy}".rstrip())


class DataError(TenorError, ValueError):
    """The data cannot be read or cannot be learned from."""


class SettingsError(TenorError, ValueError):
    """A setting is unknown or has a value that cannot work."""


class BundleError(TenorError):
    """A saved model is damaged, tampered with, or cannot be written."""


class MissingExtraError(TenorError):
    """A package that an optional part of Tenor needs is not installed."""


def missing_extra(part: str, extra: str) -> MissingExtraError:
    """The error for `part`, which needs the packages of `tenor[extra]`."""
    return MissingExtraError(
        f"{part} needs packages that are not installed.",
        f"Install them, in Tenor's folder, with: pip install '.[{extra}]'",
    )


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 row has`, `2,000 rows have`; `many` is `one` with an s where that is all."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def rows_phrase(rows: list[int], most: int = 5) -> str:
    """`3 such rows: 1204, 1377, 2950`; past `most` rows the list ends with an ellipsis."""
    numbers = ", ".join(str(row) for row in rows[:most]) + (", ..." if len(rows) > most else "")
    return f"{counted(len(rows), 'such row')}: {numbers}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, "c, d"`; past `most` names the list ends with how many there are in all."""
    return ", ".join(map(quoted, names[:most])) + (f", ... ({len(names):,} in all)" if len(names) > most else "")


def quoted(name: str) -> str:
    """The name, in quotes where it holds a comma, so that it is one name in a list."""
    return f'"{name}"' if "," in name else name
