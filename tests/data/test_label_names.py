import pytest

from tenor.data import label_names
from tenor.data.label_names import canonical_spellings, match_names
from tenor.data.label_source import CodedLabels, MemoryLabels
from tenor.data.label_values import label_key


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["0.0", "1.0"], {"0.0": "0", "1.0": "1"}),
        (["+1", "-1", "0"], {"+1": "1"}),
        (["TRUE", "False", "true"], {"TRUE": "true", "False": "false"}),
        (["0", "1"], {}),
        (["1.0", "1.1", "2.0"], {}),  # versions
        (["007", "1.0"], {}),
        (["True", "Mostly true", "False"], {}),
        (["1e300", "2"], {}),
        ([], {}),
    ],
)
def test_numbers_and_truth_values_have_one_spelling(names: list[str], expected: dict[str, str]) -> None:
    assert canonical_spellings(names) == expected


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["POS", "neg ", "x"], ["pos", "neg"], {"POS": "pos", "neg ": "neg"}),
        (["1.0", "0", "+1"], ["0", "1"], {"1.0": "1", "+1": "1"}),
        (["0", "1"], ["0.0", "1.0"], {"0": "0.0", "1": "1.0"}),  # a model of an earlier version
        (["7"], ["007", "008"], {"7": "007"}),
        (["TRUE", "FALSE"], ["false", "true"], {"TRUE": "true", "FALSE": "false"}),
        (["1", "0"], ["False", "True"], {"1": "True", "0": "False"}),
        (["True"], ["0", "1"], {"True": "1"}),
        (["True", "2"], ["0", "1"], {}),
        (["1", "0"], ["false", "true", "maybe"], {}),
        (["SPAM"], ["Spam", "spam"], {}),  # which of the two is not clear
        (["ＡＢＣ"], ["abc"], {"ＡＢＣ": "abc"}),
        (["好评"], ["好评", "差评"], {}),
    ],
)
def test_labels_are_matched_to_the_known_ones(names: list[str], known: list[str], expected: dict[str, str]) -> None:
    assert match_names(names, known) == expected


def test_sets_of_labels_are_respelt_too() -> None:
    labels, note = label_names.respell(MemoryLabels([("1.0", "2"), ("2.0", "2"), ()]))
    assert list(labels) == [("1", "2"), ("2",), ()]
    assert note == "labels are read in another spelling: '1.0' as '1', '2.0' as '2'."


def test_many_spellings_are_cut() -> None:
    note = label_names.spelling_note({f"{number}.0": str(number) for number in range(12)})
    assert note.endswith("'8.0' as '8', ... (12 in all).") or "(12 in all)" in note


def test_labels_on_disk_become_one() -> None:
    import numpy as np

    labels = CodedLabels(np.array([0, 1, 2, 0], np.int32), ["TRUE", "false", "True"])
    respelt, _ = label_names.respell(labels)
    assert isinstance(respelt, CodedLabels)
    assert (list(respelt), respelt.counts()) == (["true", "false", "true", "true"], {"true": 3, "false": 1})


def test_the_key_of_a_label_is_that_of_its_spellings() -> None:
    assert {label_key(name) for name in ("1", "1.0", " 1", "+1", "01", "１")} == {"1"}
    assert {label_key(name) for name in ("Credit  Card", "credit card")} == {"credit card"}
    assert label_key("0.50") == label_key(".5") == "0.5"
