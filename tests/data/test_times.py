import datetime

import pytest

from tenor.data import times
from tenor.errors import DataError


def parse(*values: object) -> list[float]:
    return times.parse(values, [row * 10 for row in range(1, len(values) + 1)], "in.csv", "when")


def test_numbers_and_dates_are_put_in_order() -> None:
    assert parse(3, "1.5", 2.0) == [3.0, 1.5, 2.0]
    found = parse("2024-03-01", "2024-03-01T08:00:00+08:00", datetime.date(2024, 2, 29), "2024-03-01T00:00:01Z")
    assert found[0] == found[1] == found[3] - 1 == found[2] + 86_400


@pytest.mark.parametrize("value", [None, "", "soon", "2024-13-01", True, float("nan"), [1]])
def test_what_is_no_time_is_refused_with_its_row(value: object) -> None:
    with pytest.raises(
        DataError, match=r"^in\.csv, row 20, column 'when': .* is not a valid time\. Give every row a number"
    ):
        parse(1, value)


def test_numbers_and_dates_do_not_mix() -> None:
    with pytest.raises(DataError, match=r"row 20, column 'when': '2024-03-01' is a date, and the rows before are not"):
        parse("2023", "2024-03-01")
