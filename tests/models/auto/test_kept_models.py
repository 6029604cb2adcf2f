"""The sentence on which model was kept, and why."""

import pytest

from tenor.models.auto.selection import Selection


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (
            Selection(("ngram",), "no-better", 64, 1.1, "ngram", 1.1),
            "Kept ngram: no other model was better beyond noise on 64 held-out texts.",
        ),
        (
            Selection(("pretrained",), "better", 1_032, 0.59, "ngram", 1.1014),
            "Kept pretrained: it was better than ngram beyond noise on 1,032 held-out texts (loss 0.590, ngram 1.101).",
        ),
        (
            Selection(("pretrained", "ngram", "bag"), "better", 64, 0.5, "ngram", 0.61),
            "Kept a blend of pretrained, ngram and bag: it was better than ngram alone beyond noise on 64 held-out "
            "texts (loss 0.500, ngram 0.610).",
        ),
        (Selection(("ngram",), "only"), "Kept ngram: there was no other model to compare it with."),
        (Selection(("bag",), "limits"), "Kept bag: no other model is within the limits of size and latency."),
        (Selection(("ngram",), "no-time"), "Kept ngram: the budget leaves no time to compare models."),
        (Selection(("ngram",), "too-few"), "Kept ngram: there are too few texts to compare models."),
        (
            Selection(("distilled ngram",), "distilled", 60, 0.4, "the blend", 0.35),
            "Kept distilled ngram, which learned the predictions of the blend (loss 0.400, the blend 0.350 on 60 "
            "held-out texts).",
        ),
    ],
)
def test_a_sentence_says_what_was_kept_and_why(selection: Selection, sentence: str) -> None:
    assert selection.sentence == sentence
    assert selection.to_dict()["sentence"] == sentence
    assert selection.to_dict()["kept"] == list(selection.kept)
