"""Tests of the buckets of several text fields."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.data.fields import Field, Fields
from tenor.text import field_buckets, ngrams
from tenor.text.field_buckets import FieldBuckets

TWO = Fields((Field("title"), Field("body")))
PAIR = Fields((Field("first"), Field("second")), is_pair=True)
SHARINGS: tuple[FieldBuckets, ...] = ("shared", "own", "both", "overlap")


def test_no_n_gram_reaches_over_two_fields() -> None:
    counts = ngrams.count([TWO.join(["a b", "c d"])], (1, 2), fields=TWO)
    alone = ngrams.count(["a b", "c d"], (1, 2))
    assert sorted(counts.buckets) == sorted(alone.buckets)
    assert len(ngrams.count(["a b c d"], (1, 2)).buckets) == len(counts.buckets) + 1


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_row_alone_counts_as_it_does_among_others(sharing: FieldBuckets) -> None:
    rows = [TWO.join([f"title {n}", "the body " * (n % 7)]) for n in range(1500)] + ["", "no separator"]
    many = ngrams.count(rows, (1, 2), (3,), None, TWO, sharing)
    assert len(many.row_offsets) == len(rows) + 1
    for row in (0, 1023, 1024, 1499, 1500, 1501):
        alone = ngrams.count([rows[row]], (1, 2), (3,), None, TWO, sharing)
        part = slice(*many.row_offsets[row : row + 2])
        np.testing.assert_array_equal(many.buckets[part], alone.buckets)
        np.testing.assert_array_equal(many.counts[part], alone.counts)


def test_own_buckets_tell_fields_apart_and_shared_ones_do_not() -> None:
    one, other = TWO.join(["sun", "rain"]), TWO.join(["rain", "sun"])

    def buckets(row: str, sharing: FieldBuckets) -> list[int]:
        return ngrams.count([row], (1,), (), None, TWO, sharing).buckets.tolist()

    assert buckets(one, "shared") == buckets(other, "shared")
    assert not set(buckets(one, "own")) & set(buckets(other, "own"))
    assert set(buckets(one, "both")) == set(buckets(one, "own")) | set(buckets(one, "shared"))


def test_overlap_says_what_is_in_both_texts() -> None:
    counts = ngrams.count([PAIR.join(["red car", "red red bus"])], (1,), (), None, PAIR, "overlap")
    red, car, bus = (int(ngrams.count([word], (1,)).buckets[0]) for word in ("red", "car", "bus"))
    both, one = field_buckets.bucket_variants(PAIR, "overlap")[1:]
    expected = {red, car, bus, int(both.of(np.array([red]))[0]), *one.of(np.array([car, bus])).tolist()}
    assert set(counts.buckets.tolist()) == expected
    assert counts.counts[counts.buckets.tolist().index(red)] == 3


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab \x1f日é\u0130'", max_size=12), min_size=1, max_size=3), st.sampled_from(SHARINGS))
def test_spans_are_where_the_n_grams_are(values: list[str], sharing: FieldBuckets) -> None:
    row = PAIR.join([*values, ""][:2])
    counts = ngrams.count([row], (1, 2), (2,), None, PAIR, sharing)
    spans = ngrams.spans(row, (1, 2), (2,), PAIR, sharing)
    assert spans.at.max(initial=-1) < len(counts.buckets)
    separator = row.index("\x1f")
    assert not ((spans.begin <= separator) & (spans.end > separator)).any()
    words = ngrams.count([row], (1,), (), None, PAIR, sharing)
    assert set(ngrams.spans(row, (1,), (), PAIR, sharing).at.tolist()) == set(range(len(words.buckets)))


def test_features_are_no_text() -> None:
    fields = Fields((Field("text"), Field("price", "number")))
    np.testing.assert_array_equal(
        ngrams.count([fields.join(["good", "12"])], (1,), (3,), fields=fields).buckets,
        ngrams.count(["good"], (1,), (3,)).buckets,
    )
