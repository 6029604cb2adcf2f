import pytest

from tenor.data.number_formats import NumberFormat, NumberFormatDetector, detect_number_format

_COLUMNS = [
    (["1.5", "2", "1e5", "-.5"], [1.5, 2, 1e5, -0.5]),
    (["4,362", "987"], [4362, 987]),
    (["4,362", "1,234,567"], [4362, 1234567]),
    (["4,362", "1,500.25"], [4362, 1500.25]),
    (["12,5", "31,84"], [12.5, 31.84]),
    (["1.234,50 €", "12,00 €"], [1234.5, 12]),
    (["1.234.567", "1.234"], [1234567, 1234]),
    (["0,125", "4,362"], [0.125, 4.362]),
    (["31.8%", "5 %", "-2.5％"], [31.8, 5, -2.5]),
    (["$413.92", "$1,223.17", "-$5"], [413.92, 1223.17, -5]),
    (["¥1,200.00", "300元", "RMB 12.5"], [1200, 300, 12.5]),
    (["(1,200)", "980"], [-1200, 980]),
    (["1'234.5", "12"], [1234.5, 12]),
    (["1\u202f234,5", "12 000"], [1234.5, 12000]),
    (["12,34,567", "5,000"], [1234567, 5000]),
    (["\u22125", "１２３", " 7 "], [-5, 123, 7]),
]


@pytest.mark.parametrize(("values", "numbers"), _COLUMNS)
def test_the_values_of_a_column_are_read_together(values, numbers):
    number_format = detect_number_format([*values, "", " "])
    assert [number_format.parse(value) for value in values] == numbers


@pytest.mark.parametrize("values", [["4,362", "12,890"], ["4,362", "1500"]])
def test_a_comma_before_three_digits_alone_is_ambiguous(values):
    assert detect_number_format(values).decimal == ""
    assert detect_number_format(values).parse(values[0]) is None
    assert detect_number_format(values, ".").parse("4,362") == 4362
    assert detect_number_format(values, ",").parse("4,362") == 4.362


@pytest.mark.parametrize(
    "values",
    [
        ["good"],
        ["007"],
        ["1,5", "2.5"],  # two decimal marks
        ["5%", "5"],
        ["$5", "€5"],
        ["2024-01-01"],
        ["1.2.3"],
        ["1,2,3"],
        ["1'2"],
        ["12,34.5.6"],
        ["("],
        ["(5"],
        ["$5€"],
        ["nan"],
        ["1" * 100],
        [""],
        [],
    ],
)
def test_other_columns_are_not_numbers(values):
    assert detect_number_format(values) is None


def test_a_value_of_another_format_is_not_parsed():
    assert detect_number_format(["12,5"]).parse("1.2.3") is None
    assert detect_number_format(["12,5"]).parse("1,2,5") is None
    assert detect_number_format(["12.5"]).parse("1,25.0") is None
    assert detect_number_format(["12.5"]).parse("1e999") is None


def test_the_format_says_how_it_reads_a_value():
    assert detect_number_format(["5", "12,5"]).describe() == "'12,5' is read as 12.5"
    assert detect_number_format(["31.8%"]).describe() == "'31.8%' is read as 31.8 (percent)"
    assert detect_number_format(["USD 1,200"], ".").describe() == "'USD 1,200' is read as 1200"
    assert detect_number_format(["1", "2.5"]) == NumberFormat()


def test_a_column_may_come_in_parts():
    detector = NumberFormatDetector()
    detector.add(["4,362"])
    detector.add(["12"])
    assert detector.result() == detect_number_format(["4,362", "12"])
    detector.add(["good"])
    assert detector.result() is None
