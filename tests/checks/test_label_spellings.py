import pytest

from tenor.checks import label_spellings


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("Credit Card", "credit-card", True),
        ("creditcard", "credit_card.", True),
        ("信用卡", " 信用卡。", True),
        ("ＡＢＣ", "abc", True),
        ("1", "1.0", True),
        ("1-2", "12", False),
        ("-1", "1", False),
        ("C++", "C#", False),
        ("C", "C+", False),
        ("?", "!", False),
        ("spam", "not spam", False),
    ],
)
def test_case_blanks_and_punctuation_between_words_do_not_count(one: str, other: str, are_one: bool) -> None:
    assert (label_spellings.fold_label(one) == label_spellings.fold_label(other)) is are_one


@pytest.mark.parametrize(
    ("one", "other", "are_similar"),
    [
        ("credit card", "credit card dept", True),
        ("billing", "billing department", True),
        ("信用卡", "信用卡部", True),
        ("billing", "biling", True),
        ("late delivery", "very late delivery", True),
        ("late delivery", "no late delivery", False),
        ("spam", "not spam", False),
        ("level 1", "level 2", False),
        ("positive", "negative", False),
        ("card", "card fee", False),
        ("Billing", "billing", False),
    ],
)
def test_similar_names_are_named_with_the_rarer_first(one: str, other: str, are_similar: bool) -> None:
    pairs = label_spellings.similar_pairs({one: 9, other: 3})
    assert pairs == ([(other, one)] if are_similar else [])
