from pathlib import Path

import pytest

from helpers.tables import write
from tenor.data.io import table
from tenor.data.io.line_numbers import LineNumbers


def lines_of(path: Path) -> list[int | None]:
    opened = table.open_table(path)
    assert opened.line_numbers is not None
    opened.line_numbers.track()
    n_rows = sum(map(len, opened.chunks))
    return [opened.line_numbers.line(row) for row in range(1, n_rows + 1)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("text,label\na,x\nb,y\n", [2, 3]),
        ("\n\ntext,label\n\na,x\n\n\nb,y\n", [5, 8]),
        ('text,label\n"a\nb\nc",x\nd,y\n"e\n",x\nf,y', [2, 5, 6, 8]),
        ("sep=;\r\ntext;label\r\na;x\r\nb;y\r\n", [3, 4]),
    ],
)
def test_the_line_of_each_row_is_known(tmp_path: Path, content: str, lines: list[int]) -> None:
    assert lines_of(write(tmp_path / "in.csv", content)) == lines


def test_nothing_is_kept_unless_it_is_tracked() -> None:
    numbers = LineNumbers()
    numbers.add(1, 2)
    assert numbers.line(1) is None
    numbers.track()
    for row in range(1, 1000):
        numbers.add(row, row + 1 + (row > 500))
    assert [numbers.line(row) for row in (1, 500, 501, 999)] == [2, 501, 503, 1001]
    assert len(numbers._rows) == 2
