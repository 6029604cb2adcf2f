from helpers.rows import chinese, english
from tenor.checks import labels
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.data.dataset import Dataset


def found(data: list[str], test: list[str] | None = None, written: list[str] | None = None) -> dict[str, Finding]:
    made = [Dataset("in.csv", [f"text {row}" for row in range(len(part))], part) for part in (data, test or [])]
    parts = CheckContext(made[0], made[1] if test is not None else None)
    return {finding.name: finding for finding in labels.check(parts, written or data)}


def test_clean_labels_give_no_finding() -> None:
    assert found(["x", "y"] * 20, ["x", "y"]) == {}


def test_one_class_and_as_many_classes_as_rows_are_errors() -> None:
    assert found(["x"] * 30)["one-class"].severity == "error"
    told = found([str(row) for row in range(30)])
    assert told["too-many-classes"].severity == "error"
    assert "rare" not in told


def test_labels_that_differ_in_case_or_blanks_are_named_with_their_rows() -> None:
    written = ["Pos", "neg"] * 20 + ["pos", " neg", "NEG"]
    told = found([label.strip() for label in written], written=written)["spellings"]
    assert told.rows == [41, 42, 43]
    assert told.problem == "labels differ only in case or blanks: ' neg', 'NEG', 'neg', 'Pos', 'pos'."
    assert told.training_message
    around = found(["x", "y"] * 20, written=["x", "y "] * 2 + ["x", "y"] * 18)["spellings"]
    assert (around.rows, around.training_message) == ([2, 4], "")


def test_the_most_frequent_spelling_is_the_best() -> None:
    assert labels.best_spellings(["a  b", "A B", "A B ", "c"]) == {"a b": "A B", "c": "c"}


def test_labels_that_stand_for_none_are_named() -> None:
    told = found(["x", "y"] * 20 + ["NaN", "x", "N/A"])["missing-label"]
    assert told.problem == "2 rows have a label that looks like a missing one: 'N/A', 'NaN'."
    assert (told.rows, told.severity) == ([41, 43], "warning")
    assert told.training_message == "2 rows have the label 'N/A', 'NaN', taken for a class."
    assert found(["x", "y"] * 20 + ["none"])["missing-label"].severity == "note"


def test_rare_and_uneven_classes_are_named() -> None:
    told = found(["x"] * 200 + ["y"] * 3)
    assert (told["rare"].problem, told["rare"].rows) == ("1 class has fewer than 10 rows (y 3).", [201, 202, 203])
    assert "x has 200 rows, y 3" in told["uneven"].problem


def test_labels_of_the_test_are_compared() -> None:
    told = found(["x", "y"] * 20, ["x", "z"])
    assert (told["unknown-in-test"].rows, told["unknown-in-test"].details) == ([2], ["z"])
    assert told["missing-in-test"].problem == "1 class has no row in the test: y."


def test_a_token_that_gives_the_label_away_is_spelt_out() -> None:
    for rows, mark in ((english(), "Reuters"), (chinese(), "评")):
        chosen = rows[0][1]
        texts = [f"{mark} {text}" if label == chosen else text for text, label in rows]
        data = Dataset("in.csv", texts, [label for _, label in rows])
        [told] = [
            finding for finding in labels.check(CheckContext(data), data.labels) if finding.name == "telling-token"
        ]
        assert told.problem.startswith(f"{mark.lower()!r} is in 30 of the 30 texts of {chosen} and in 0 others")
        assert told.rows == list(range(1, 61, 2))
