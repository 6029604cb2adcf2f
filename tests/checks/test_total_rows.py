import pytest

from helpers.rows import english
from tenor.checks import total_rows
from tenor.data.dataset import Dataset
from tenor.tasks import Kind

ROWS = english()


def dataset(*more: tuple[str, object], kind: Kind = "multiclass") -> Dataset:
    rows = [*ROWS, *more]
    labels = [label for _, label in rows] if kind != "regression" else [1.5] * len(ROWS) + [label for _, label in more]
    return Dataset("in.csv", [text for text, _ in rows], labels, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", [("Total", "60"), ("合计：", "60"), ("Grand total", "1,260"), ("60", "总计")])
def test_a_total_at_the_end_is_named(row: tuple[str, str]) -> None:
    [finding] = total_rows.check(dataset(row))
    assert (finding.rows, finding.severity) == ([61], "warning")
    assert finding.problem == f"1 row at the end looks like a total: '{', '.join(row)}'."
    assert finding.training_message.endswith("learned as a text. Remove such rows from the file.")


def test_several_totals_and_totals_of_numbers() -> None:
    [finding] = total_rows.check(dataset(("Subtotal", 30.0), ("Total", 90.0), kind="regression"))
    assert finding.rows == [61, 62]


def test_words_and_numbers_of_the_data_are_no_totals() -> None:
    assert total_rows.find(dataset(("Total", "positive"), ("a total failure", "60"), ("7", "negative"))) == []
    assert total_rows.find(dataset(("Total", "5"), ("fine", "5"), ("Total", "5"))) == []
