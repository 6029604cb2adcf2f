"""How messages speak of numbers."""

import pickle

import pytest

from tenor.errors import DataError, Location, counted, listed, rows_phrase


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows have"), (1, "1 row has"), (2_000, "2,000 rows have")])
def test_one_is_not_many(number: int, said: str) -> None:
    assert counted(number, "row has", "rows have") == said


def test_most_words_take_an_s() -> None:
    assert (counted(1, "worker"), counted(2, "worker")) == ("1 worker", "2 workers")


def test_long_lists_end_early() -> None:
    assert rows_phrase([7]) == "1 such row: 7"
    assert rows_phrase(list(range(1, 8))) == "7 such rows: 1, 2, 3, 4, 5, ..."
    assert listed(["a", "b", "c"], most=2) == "a, b, ... (3 in all)"


def test_a_name_with_a_comma_is_one_name() -> None:
    assert listed(["good, really", "bad"]) == '"good, really", bad'


def test_a_blank_name_is_listed_in_quotes() -> None:
    assert listed(["text", ""]) == 'text, ""'


def test_problem_and_remedy_stay_apart_in_another_process() -> None:
    error = DataError("the label is empty.", "Give one.", Location("a.csv", 3, "label"))
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is DataError and str(copy) == str(error)
    assert (copy.problem, copy.remedy, copy.at) == (error.problem, "Give one.", error.at)
