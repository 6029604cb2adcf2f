from typing import Any

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "a.csv", "--out", "a", "--out", "b"),
        ("predict", "m", "a text", "-o", "a.csv", "--out", "b.csv"),
        ("check", "a.csv", "--seed=1", "--seed=2"),
        ("corrections", "export", "a.db", "-o", "a.csv", "-o", "b.csv"),
    ],
)
def test_an_option_with_one_value_that_is_given_twice_is_refused(cli: Any, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert "is given 2 times, and it takes one value." in " ".join(result.err.split())


def test_flags_and_repeatable_options_may_be_given_twice(cli: Any) -> None:
    result = cli("train", "a.csv", "--no-report", "--no-report", "--text", "a", "--text", "b")
    assert (result.code, result.err.splitlines()[0]) == (1, "error: a.csv: there is no such file.")
