"""Labels that are numbers with a unit, such as `5 kg`, `1.2k` or `2.5万`: classes or amounts?"""

import re
import unicodedata
from collections.abc import Collection

from tenor._core.language import tr
from tenor.errors import DataError, Location

_MAX_CHARACTERS = 40
_NUMBER = r"[+-]?(?:\d[\d.,]*)?\d"
_WORD = r"[^\W\d_]"
_WITH_UNIT = re.compile(
    rf"{_NUMBER}\s?(?!(?:st|nd|rd|th)\b)(?P<unit>{_WORD}{{1,8}}[23]?(?:[./ ]?{_WORD}{{1,6}}[23]?)?\.?)", re.IGNORECASE
)


def unit(value: str) -> str:
    """The unit behind a number, as in `5 kg`, `1.2k`, `2.5万` or `12 km/h`; empty for other values, such as `1st`."""
    if len(value) > _MAX_CHARACTERS:
        return ""
    match = _WITH_UNIT.fullmatch(unicodedata.normalize("NFKC", value).strip())
    return match["unit"].casefold() if match else ""


def find(names: Collection[str]) -> list[str]:
    """The labels with a unit, if all labels are numbers and share a few units; else none.

    Some may be plain numbers. Names such as `1a`, `2b` and `3c`, which share no unit, are names.
    """
    with_unit = sorted(name for name in names if unit(name))
    n_units = len({unit(name) for name in with_unit})
    rest = set(names).difference(with_unit)
    shared = 0 < 2 * n_units < len(names)
    return with_unit if shared and all(re.fullmatch(_NUMBER, name.strip()) for name in rest) else []


def note(names: Collection[str], most: int, at: Location) -> str:
    """The note on labels that are numbers with a unit and are taken as classes; empty for other labels.

    Args:
        names: The different labels.
        most: Number of them from which they are rather amounts.
        at: The column, for the error.

    Raises:
        DataError: There are more than `most`.
    """
    if not (with_unit := find(names)):
        return ""
    if len(names) > most:
        raise DataError(
            tr(
                "the labels are numbers with a unit, such as {example!r}, of {n_values:,} different values: "
                "classes or amounts?",
                example=with_unit[0],
                n_values=len(names),
            ),
            tr("Use `task='multiclass'` for classes. For amounts, write plain numbers in one unit."),
            at,
        )
    return tr(
        "the labels are numbers with a unit, such as {example!r}, taken as classes (for amounts, write plain numbers).",
        example=with_unit[0],
    )
