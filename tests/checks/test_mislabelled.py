import numpy as np
import pytest

from helpers.rows import chinese, english
from tenor.checks import mislabelled
from tenor.checks.finding import Finding
from tenor.data import split
from tenor.data.dataset import Dataset
from tenor.data.split import Groups


def check(data: Dataset, groups: Groups) -> list[Finding]:
    return list(mislabelled.check(data, mislabelled.find_suspects(data, groups, 0)))


def test_labels_that_were_changed_are_found_with_the_right_one() -> None:
    for rows in (english(300), chinese(300)):
        labels = [label for _, label in rows]
        changed = [3, 50, 111, 222, 280]
        for row in changed:
            labels[row] = rows[row + 1][1]
        data = Dataset("in.csv", [text for text, _ in rows], labels)
        [finding] = check(data, split.groups_by_text(data.texts))
        assert set(finding.rows[:5]) == {row + 1 for row in changed}
        assert finding.details[0].startswith(f"{labels[finding.rows[0] - 1]} -> {rows[finding.rows[0] - 1][1]}?")
        again = check(data, split.groups_by_text(data.texts))
        assert again == [finding]


def test_several_classes() -> None:
    rows = [(text, label) for text, label in english(200)] + [(text, "zh") for text, _ in chinese(100)]
    labels = [label for _, label in rows]
    labels[4], labels[250] = "zh", "negative"
    [finding] = check(Dataset("in.csv", [text for text, _ in rows], labels), np.arange(300))
    assert {5, 251} <= set(finding.rows[:3])


def test_clean_labels_and_few_rows_are_not_doubted() -> None:
    data = Dataset("in.csv", [text for text, _ in english(200)], [label for _, label in english(200)])
    assert check(data, np.arange(200)) == []
    [finding] = check(data.take(range(20)), np.arange(20))
    assert finding.name == "too-few-rows"


def test_rows_of_one_group_leave_nothing_to_learn_from_and_are_not_doubted() -> None:
    data = Dataset("in.csv", ["a fine film"] * 60, ["good", "bad"] * 30)
    assert check(data, np.zeros(60, np.int64)) == []


def test_more_classes_than_fit_into_the_memory_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mislabelled, "memory_bytes", lambda: 1 << 20)
    texts = [text for text, _ in english(400)]
    [finding] = check(Dataset("in.csv", texts, [f"class {at}" for at in range(400)]), np.arange(400))
    assert finding.name == "too-many-classes"
    assert "400 rows of 400 classes" in finding.problem
