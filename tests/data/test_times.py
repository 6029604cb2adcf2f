import datetime

import pytest

from tenor.data import times
from tenor.errors import DataError


def read(*values: object) -> times.Times:
    return times.parse(values, [row * 10 for row in range(1, len(values) + 1)], "in.csv", "when")


def parse(*values: object) -> list[float]:
    return read(*values).values


def test_numbers_and_dates_are_put_in_order() -> None:
    assert parse(3, "1.5", 2.0) == [3.0, 1.5, 2.0]
    result = parse("2024-03-01", "2024-03-01T08:00:00+08:00", datetime.date(2024, 2, 29), "2024-03-01T00:00:01Z")
    assert result[0] == result[1] == result[3] - 1 == result[2] + 86_400


@pytest.mark.parametrize("value", [None, "", "soon", "2024-13-01", True, float("nan"), [1]])
def test_what_is_no_time_is_refused_with_its_row(value: object) -> None:
    with pytest.raises(
        DataError, match=r"^in\.csv, row 20, column 'when': .* is not a valid time\. Give every row a number"
    ):
        parse(1, value)


def test_numbers_and_dates_do_not_mix() -> None:
    with pytest.raises(DataError, match=r"row 20, column 'when': '2024-03-01' is a date, and the rows before are not"):
        parse("2023", "2024-03-01")


@pytest.mark.parametrize(
    "text",
    [
        "2024/11/18",
        "2024-11-18",
        "2024.11.18",
        "18.11.2024",
        "2024年11月18日",
        "2024 年 11 月 18 日",
        "2024-11-18T00:00",
    ],
)
def test_one_day_in_the_ways_that_people_write_it(text: str) -> None:
    assert read(text, "2024-11-18") == times.Times([1_731_888_000.0] * 2)


def test_a_time_of_day_may_follow() -> None:
    values = parse("2024/11/18 9:30", "18.11.2024 09:30:00", "2024年11月18日 09:30", "2024-11-18T09:30:00+00:00")
    assert values == [1_731_888_000.0 + 9.5 * 3600] * 4


def test_the_column_shows_whether_the_day_or_the_month_comes_first() -> None:
    assert read("3/4/2024", "18/11/2024").values == parse("2024-04-03", "2024-11-18")
    assert read("3/4/2024", "18/11/2024").note == "'when': dates are read as day, month and year, as some of them show."
    assert read("3-4-2024", "11-18-2024").values == parse("2024-03-04", "2024-11-18")
    assert "month, day and year" in read("3-4-2024", "11-18-2024").note


def test_ambiguous_or_mixed_orders_are_refused_with_their_rows() -> None:
    with pytest.raises(
        DataError, match=r"row 10, column 'when': '3/4/2024' may begin with the day or the month, and no"
    ):
        parse("3/4/2024", "5/6/2024")
    with pytest.raises(DataError, match=r"row 20, .*the day comes first in row 10, and the month in row 20\."):
        parse("18/11/2024", "11/18/2024")
    with pytest.raises(DataError, match=r"row 20, .*'31\.2\.2024' is not a valid time"):
        parse("1.2.2024", "31.2.2024")
