import pytest

from tenor.data.dataset import Dataset
from tenor.data.known_labels import match_labels
from tenor.errors import DataError
from tenor.tasks import MultiLabel, Regression, SingleLabel

TASK = SingleLabel(("neg", "pos"))
ROWS = Dataset("test.csv", ["a", "b", "c"], ["POS", "mixed", "neg"])


def test_a_label_in_another_spelling_is_the_known_one() -> None:
    data, notes = match_labels(Dataset("test.csv", ["a", "b"], ["POS", "neg"]), TASK)
    assert data.labels == ["pos", "neg"]
    assert notes == ["test.csv: labels are read in another spelling: 'POS' as 'pos'."]


@pytest.mark.parametrize("labels", [["['pos']", "['neg']"], ['["pos"]', '["neg"]'], ["['POS']", "['neg']"]])
def test_strings_with_a_list_of_one_label_are_that_label(labels: list[str]) -> None:
    data, _ = match_labels(Dataset("test.csv", ["a", "b"], labels), TASK)
    assert data.labels == ["pos", "neg"]


@pytest.mark.parametrize("labels", [["['pos']", "neg"], ["['pos', 'neg']", "['neg']"], ["[pos]", "[neg]"]])
def test_other_labels_in_brackets_are_not_changed(labels: list[str]) -> None:
    data, _ = match_labels(Dataset("test.csv", ["a", "b", "c"], [*labels, "neg"]), TASK, "wrong")
    assert data.labels == [*labels, "neg"]


def test_lists_are_names_where_they_were_learned_as_names() -> None:
    data, _ = match_labels(Dataset("test.csv", ["a"], ["['pos']"]), SingleLabel(("['neg']", "['pos']")))
    assert data.labels == ["['pos']"]


def test_an_unknown_label_is_refused_with_a_way_on() -> None:
    with pytest.raises(DataError, match=r"^test\.csv, column 'label': the label 'mixed' was not .* \(1 such row: 2\)"):
        match_labels(ROWS, TASK)
    with pytest.raises(DataError, match=r"`unknown_labels='wrong'`, or leave them out with `unknown_labels='drop'`"):
        match_labels(ROWS, TASK)


def test_rows_with_an_unknown_label_are_left_out_or_kept() -> None:
    dropped, notes = match_labels(ROWS, TASK, "drop")
    assert (dropped.texts, dropped.labels, list(dropped.row_numbers)) == (["a", "c"], ["pos", "neg"], [1, 3])
    assert notes[1] == ("test.csv: 1 row has a label that the training data do not have (mixed 1); they are left out.")
    kept, notes = match_labels(ROWS, TASK, "wrong")
    assert kept.labels == ["pos", "mixed", "neg"]
    assert notes[1].endswith("they count as wrong.")


@pytest.mark.parametrize("unknown", ["error", "wrong", "drop"])
def test_rows_of_unknown_labels_alone_are_another_column(unknown: str) -> None:
    data = Dataset("test.csv", ["a", "b"], ["1", "2"], label_column="id")
    with pytest.raises(DataError, match=r"the labels 1, 2 were not in .*is 'id' the column of the labels\?"):
        match_labels(data, TASK, unknown)  # type: ignore[arg-type]


def test_sets_of_labels_are_matched_by_their_names() -> None:
    data = Dataset("test.csv", ["a", "b", "c"], [("JOY", "fear"), ("joy",), ()], kind="multilabel")
    task = MultiLabel(("joy", "love"))
    dropped, _ = match_labels(data, task, "drop")
    assert dropped.labels == [("joy",), ()]
    kept, _ = match_labels(data, task, "wrong")
    assert kept.labels == [("joy", "fear"), ("joy",), ()]


def test_numbers_have_no_spelling() -> None:
    data = Dataset("test.csv", ["a"], [1.5], kind="regression")
    assert match_labels(data, Regression()) == (data, [])
