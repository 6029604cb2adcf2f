"""Tests of the ids of rows of several fields."""

import json
from pathlib import Path

import numpy as np
import pytest

from tenor.data.fields import Field, Fields
from tenor.models.pretrained import huggingface
from tenor.models.tabular import row_encoder
from tenor.models.tabular.row_encoder import FieldTexts, RowEncoder
from tenor.text import gram_ids, vocabulary
from tenor.text.encoded import TextEncoder, Truncation
from tenor.text.subwords import SubwordTokenizer

GOLDEN = Path(__file__).parents[1] / "golden"
MIXED = Fields((Field("title"), Field("body"), Field("price", "number")))
ROWS = [MIXED.join([title, body, price]) for title, body, price in (("a red car", "it is red", "3"), ("", "so so", ""))]


def golden(name: str) -> SubwordTokenizer:
    folder = huggingface.read_folder(GOLDEN / name)
    return SubwordTokenizer(folder.tokenizer, folder.padding)


def encoders() -> dict[str, TextEncoder]:
    texts = FieldTexts(ROWS, MIXED)
    return {
        "words": vocabulary.build(texts, 20),
        "n-grams": gram_ids.build(texts, 50, (1, 2), 1),
        "bert": golden("bert"),
        "roberta": golden("roberta"),
    }


def build(name: str) -> RowEncoder:
    return row_encoder.build(encoders()[name], ROWS, MIXED, has_room=True)


def test_a_vocabulary_has_no_words_of_other_fields() -> None:
    words = encoders()["words"].to_dict()["tokens"]
    assert set(words) == {"a", "red", "car", "it", "is", "so"}


def test_words_get_a_separator() -> None:
    encoder = build("words")
    alone = vocabulary.build(FieldTexts(ROWS, MIXED), 20).encode(["a red car", "it is red"], 99, "end")
    first = encoder.encode(ROWS, 99, "end")
    np.testing.assert_array_equal(
        first.ids[: first.row_offsets[1]], [*alone.ids[:3], encoder.text_encoder.size, *alone.ids[3:]]
    )
    assert encoder.size == encoder.text_encoder.size + 1


def test_an_encoder_reads_a_pair_as_its_tokenizer_writes_it() -> None:
    tokenizer, encoder = golden("roberta"), build("roberta")
    pair = tokenizer._tokenizer.encode("a red car", "it is red")
    expected = tokenizer._swap(np.array(pair.ids, np.int32))
    np.testing.assert_array_equal(encoder.encode(ROWS[:1], 99, "end").ids, expected)


def test_without_a_form_for_a_pair_the_last_special_token_separates() -> None:
    encoder = build("bert")
    assert encoder.separators == (golden("bert").token_id("[SEP]"),)


@pytest.mark.parametrize("name", ["words", "n-grams", "bert", "roberta"])
@pytest.mark.parametrize("truncation", ["start", "end", "both", "windows", "all"])
def test_rows_alone_are_as_among_others_and_spans_fit(name: str, truncation: Truncation) -> None:
    encoder = build(name)
    rows = [*ROWS, MIXED.join(["a red car " * 9, "it is so", "7"]), "", "no separator"]
    together = encoder.encode(rows, 12, truncation)
    assert together.features.shape == (5, encoder.n_features)
    assert together.lengths.max() <= encoder.max_row_length(12)
    for number, row in enumerate(rows):
        alone = encoder.encode([row], 12, truncation)
        first, last = np.searchsorted(together.row_to_text, [number, number + 1])
        np.testing.assert_array_equal(alone.ids, together.ids[together.row_offsets[first] : together.row_offsets[last]])
        spans = encoder.spans(row, 12, truncation)
        assert spans.at.max(initial=-1) < len(alone.ids)
        assert (np.diff(spans.at) >= 0).all() and (spans.end <= len(row)).all() and (spans.begin < spans.end).all()
        text = row.rpartition("\x1f")[0] or row
        assert (spans.end <= len(text)).all()
        if name == "words":
            words = {row[begin:end] for begin, end in zip(spans.begin, spans.end, strict=True)}
            assert words <= set(text.replace("\x1f", " ").split())


@pytest.mark.parametrize("name", ["words", "n-grams", "bert"])
def test_a_saved_encoder_is_the_same(name: str) -> None:
    encoder = build(name)
    described = json.loads(json.dumps(encoder.to_dict()))
    again = row_encoder.restore(described)
    assert again.to_dict() == encoder.to_dict()
    one, other = (each.encode(ROWS, 12, "end") for each in (encoder, again))
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.features.toarray(), other.features.toarray())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"separators": [0]}, "separators"),
        ({"separators": [9999]}, "separators"),
        ({"encoder": {"kind": "fields"}}, "kind"),
        ({"fields": {"columns": [{"name": "a", "kind": "text"}], "is_pair": False}}, "more than one column"),
        ({"features": {"columns": []}}, "those of the fields"),
        ({"more": 1}, "more"),
    ],
)
def test_a_damaged_encoder_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row_encoder.restore({**build("words").to_dict(), **change})
