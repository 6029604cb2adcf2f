"""Rows at the end of a table that are sums or counts of the rows above, as spreadsheets and databases add them."""

import re
from collections.abc import Iterator

from tenor._core.language import tr
from tenor.checks.finding import Finding
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.label_values import to_number
from tenor.data.number_formats import detect_number_format
from tenor.errors import counted

_MOST = 3  # rows at the end
_WORD = re.compile(
    r"(grand |sub[- ]?)?totals?|sum|count|average|avg|mean|合计|总计|共计|小计|总数|总和|汇总|平均", re.IGNORECASE
)
_PUNCTUATION = " \t:：*-–—.。()（）"


def find(data: Dataset) -> list[int]:
    """Positions of the last rows that are totals.

    One cell is a word such as `Total` or 合计, the other a number, which is not the class of any other row.
    """
    rows = []
    counts = label_source(data.labels).counts() if data.kind not in ("regression", "multilabel") else {}
    for row in range(len(data) - 1, max(len(data) - 1 - _MOST, -1), -1):
        text, label = data.fields.split(data.texts[row])[0], data.labels[row]
        if isinstance(label, tuple) or counts.get(label, 1) > 1 or not _is_total(text, label):
            break
        rows.append(row)
    return sorted(rows)


def check(data: Dataset) -> Iterator[Finding]:
    """The finding of rows that are totals."""
    rows = find(data)
    if not rows:
        return
    shown = repr(f"{data.display(rows[0])}, {data.labels[rows[0]]}"[:60])
    last = counted(len(rows), "row at the end looks like a total", "rows at the end look like totals")
    yield Finding(
        name="total",
        severity="warning",
        problem=tr("{last}: {shown}.", last=last, shown=shown),
        remedy=tr("Remove such rows from the file, or leave them out: `fix=OUT`."),
        training_message=tr(
            "{last}: {shown}, learned as a text. Remove such rows from the file.", last=last, shown=shown
        ),
    ).at_rows(data, rows)


def _is_total(text: str, label: object) -> bool:
    return (_is_word(text) and _is_number(label)) or (_is_number(text) and isinstance(label, str) and _is_word(label))


def _is_word(value: str) -> bool:
    return _WORD.fullmatch(value.strip(_PUNCTUATION)) is not None


def _is_number(value: object) -> bool:
    return to_number(value) is not None or (isinstance(value, str) and detect_number_format([value]) is not None)
