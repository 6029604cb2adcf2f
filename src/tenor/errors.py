"""Every error that Tenor raises on purpose, with the place in the input that it points at.

Messages spell an option as Python does, in backticks: `text=...`, `out=FILE`, `overwrite=True`, `task='multiclass'`.
The command line shows the same as a flag: `tenor.cli.spelling`.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from tenor._core.language import join_names, sentences, tr, tr_number
from tenor._core.printable import printable, shortened


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
            parts.append(tr("row {row}", row=self.row))
        if self.column is not None:
            parts.append(tr("column {column!r}", column=self.column))
        return tr(", ").join(parts)


class TenorError(Exception):
    """Something is wrong with the input, not with Tenor. Its parts are printable, each on one line.

    Args:
        problem: What is wrong, as one sentence.
        remedy: What the user can do, as one sentence.
        at: Where it is wrong.
    """

    def __init__(self, problem: str, remedy: str = "", at: Location | None = None) -> None:
        self.problem = printable(tr("{at}: {problem}", at=at, problem=problem) if at else problem)
        self.remedy = printable(remedy)
        self.at = at
        super().__init__(sentences(self.problem, self.remedy))

    def __reduce__(self) -> tuple[type["TenorError"], tuple[str, str], dict[str, object]]:
        """Problem and remedy stay apart in another process."""
        return type(self), (self.problem, self.remedy), {"at": self.at}


class DataError(TenorError, ValueError):
    """The data cannot be read, or no model can be trained on them."""


class WriteError(DataError):
    """A file cannot be written, since the disk is full, say. The same run may succeed later."""


class SettingsError(TenorError, ValueError):
    """An option or a setting is unknown, or its value cannot work."""


class BundleError(TenorError):
    """A model's folder is damaged, was tampered with, or cannot be written."""


class MissingExtraError(TenorError):
    """A package that an optional part of Tenor needs is not installed."""


class RenamedSettingWarning(FutureWarning):
    """A setting was given by its former name."""


class FieldWarning(UserWarning):
    """A field that a model reads is missing, always empty, or has values of another kind."""


class NotUsedWarning(UserWarning):
    """A graph of a saved model, or a requested runtime, gives other results on this machine and is not used."""


def missing_extra(part: str, extra: str) -> MissingExtraError:
    """The error for a part of Tenor whose packages, those of `tenor[extra]`, are not installed."""
    return MissingExtraError(
        tr("{part} needs packages that are not installed.", part=part),
        tr("Install them, in Tenor's folder, with: {pip} install '.[{extra}]'", pip=_pip(), extra=extra),
    )


def _pip() -> str:
    """The pip of this interpreter; another one may be first on the PATH."""
    pip = Path(sys.prefix, "Scripts" if os.name == "nt" else "bin", "pip.exe" if os.name == "nt" else "pip")
    return shlex.quote(str(pip)) if sys.prefix != sys.base_prefix and pip.exists() else "pip"


def counted(number: int, one: str, many: str | None = None, **values: object) -> str:
    """`1 row has`, `2,000 rows have`, in the language of the moment; `many` defaults to `one` with an s.

    `one` and `many` are literals, so that tools find them. They may name `values`, as in `tr`.
    """
    return tr_number(f"{{number:,}} {one}", f"{{number:,}} {many or f'{one}s'}", number, **values)


class RowNumbers(Sequence[int]):
    """Numbers of faulty rows: their count and the first few, in little memory."""

    _KEPT = 16

    def __init__(self) -> None:
        self._first: list[int] = []
        self._count = 0

    def append(self, row: int) -> None:
        """Add a number."""
        if self._count < self._KEPT:
            self._first.append(row)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._first[index]


def rows_phrase(rows: Sequence[int], most: int = 5) -> str:
    """`3 such rows: 1204, 1377, 2950`; past `most` rows the list ends with an ellipsis."""
    numbers = join_names([*map(str, rows[:most]), *["..."] * (len(rows) > most)])
    return tr("{rows}: {numbers}", rows=counted(len(rows), "such row"), numbers=numbers)


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, "c, d"`; past `most` names the list ends with the number of all. Long names are shortened."""
    return join_names(quoted(shortened(name)) for name in names[:most]) + (
        tr(", ... ({n_names:,} in all)", n_names=len(names)) if len(names) > most else ""
    )


def quoted(name: str) -> str:
    """The name, in quotes if it is blank or contains a comma, or the one that Chinese has between names."""
    return f'"{name}"' if "," in name or "、" in name or not name.strip() else name
