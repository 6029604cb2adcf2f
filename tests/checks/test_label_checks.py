from collections import Counter

import pytest

from helpers.rows import chinese, english
from tenor.checks import label_spellings, labels
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
    assert told.problem == "labels differ only in case, blanks or punctuation: ' neg', 'NEG', 'neg', 'Pos', 'pos'."
    assert told.training_message
    around = found(["x", "y"] * 20, written=["x", "y "] * 2 + ["x", "y"] * 18)["spellings"]
    assert (around.rows, around.training_message) == ([2, 4], "")


def test_the_most_frequent_spelling_is_the_best() -> None:
    assert label_spellings.best_spellings(Counter(["a  b", "A B", "A B ", "c", "A-b."])) == {"ab": "A B", "c": "c"}


def test_labels_that_stand_for_none_are_named() -> None:
    told = found(["x", "y"] * 20 + ["NaN", "x", "N/A"])["missing-label"]
    assert told.problem == "2 rows have a label that looks like a missing one: 'N/A', 'NaN'."
    assert (told.rows, told.severity) == ([41, 43], "warning")
    assert told.training_message.startswith("2 rows have the label 'N/A', 'NaN', taken for a class. Not labelled?")
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


def test_tokens_that_give_labels_away_are_one_finding() -> None:
    marks = {"x": "Reuters (Bonn)", "y": "AP", "z": ""}
    rows = [(f"{marks[label]} {text}", label) for (text, _), label in zip(english(), "xyz" * 20, strict=True)]
    data = Dataset("in.csv", [text for text, _ in rows], [label for _, label in rows])
    [told] = [each for each in labels.check(CheckContext(data), data.labels) if each.name == "telling-token"]
    assert told.problem.startswith("3 words give the label away: 'bonn' is in 20 of the 20 texts of x and in 0")
    assert told.problem.endswith("'ap' is in 20 of the 20 texts of y and in 0 others.")
    assert (told.count, len(told.rows), told.details[:2]) == (3, 40, ["'bonn', 'reuters'", "'ap'"])


def templates() -> tuple[list[str], list[str]]:
    notes = [
        f"Dear customer, your order with number {number} has left our store today and will reach you within three days"
        for number in range(300_000, 300_040)
    ]
    texts = [text for text, _ in english()]
    return [*notes, *texts], ["auto"] * len(notes) + ["chat"] * len(texts)


def test_a_class_that_is_one_text_with_other_numbers_is_named() -> None:
    texts, names = templates()
    context = CheckContext(Dataset("in.csv", texts, names))
    told = {finding.name: finding for finding in labels.check(context, names)}["templated"]
    assert told.problem == "1 class has nearly the same text in almost all rows (auto 40)."
    assert (told.count, told.rows, set(told.details)) == (1, [*range(1, 41)], {"auto"})
    few = CheckContext(Dataset("in.csv", texts[32:], names[32:]))
    assert few.templates == {}


@pytest.mark.parametrize("template", ["Your code is {}", "您的验证码是{}，请勿泄露", "{} points, {} goals"])
def test_a_short_text_with_other_numbers_is_one_text(template: str) -> None:
    others = [text for text, _ in english()]
    texts = [template.format(number, number) for number in range(300_000, 300_040)]
    context = CheckContext(Dataset("in.csv", [*texts, *others], ["code"] * 40 + ["chat"] * len(others)))
    assert {label: len(rows) for label, rows in context.templates.items()} == {"code": 40}
    assert len(set(context.split_groups[:40].tolist())) == 40
    both = Dataset("in.csv", texts, ["code", "other"] * 20)
    assert CheckContext(both).templates == {}
    numbers = Dataset("in.csv", [*map(str, range(40)), *others], ["code"] * 40 + ["chat"] * len(others))
    assert CheckContext(numbers).templates == {}


def test_such_a_class_is_on_both_sides_of_a_split_but_equal_texts_are_not() -> None:
    texts, names = templates()
    texts[1] = texts[0]
    groups = CheckContext(Dataset("in.csv", texts, names)).split_groups
    assert groups[0] == groups[1]
    assert len(set(groups[:40].tolist())) == 39  # 40 texts, and two are equal
    assert not set(groups[:40].tolist()) & set(groups[40:].tolist())
    shared = CheckContext(Dataset("in.csv", texts, ["auto"] * 30 + ["chat"] * (len(texts) - 30)))
    assert shared.split_groups[0] == shared.split_groups[29] == shared.split_groups[35]  # both classes have the text


def test_short_forms_and_translations_of_labels_are_named() -> None:
    told = found(["Yes", "No"] * 20 + ["Y", "N", "是"])["synonyms"]
    assert (
        told.problem
        == "labels seem to say the same: 'Y' (1) and 'Yes' (20); '是' (1) and 'Yes' (20); 'N' (1) and 'No' (20)."
    )
    assert told.remedy == "Merge them: `fix=OUT` with `merge='Y=Yes'` and `merge='是=Yes'` and `merge='N=No'`."
    assert (told.rows, told.severity) == ([41, 42, 43], "warning")
    assert told.training_message.endswith("each taken for a class. `tenor check` merges them.")
    mixed = found(["pos", "neg"] * 20 + ["Pos", "positive"])["synonyms"]
    assert mixed.remedy == "Merge them: `fix=OUT` with `merge='positive=pos'`."
    for names in (["Y", "N", "maybe"], ["pos", "neg"], ["true", "false"], ["y", "n", "t", "f"]):
        assert "synonyms" not in found(names * 20)


def test_labels_with_the_separator_of_doccano_are_named() -> None:
    told = found(["a", "b", "a#b"] * 20)["list-labels"]
    assert told.remedy == "Does it list labels? Split them with `label_separator='#'`."
    assert "list-labels" not in found(["C", "C#", "F#"] * 20)


def test_numbers_with_a_unit_are_named() -> None:
    assert found(["5 kg", "6 kg", "7 kg"] * 20)["unit-labels"].severity == "note"
