"""Few entries are sorted and searched, many are counted in a table of all buckets; both say the same."""

import numpy as np
import pytest

from tenor.text import document_frequency, ngrams
from tenor.text.document_frequency import DocumentFrequency

TEXTS = ["a b c d e", "a b c d a", "a b c", "", "a b", "a"]


@pytest.fixture(params=["sorted", "table"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    limit = 1 << 20 if request.param == "sorted" else 0
    monkeypatch.setattr(document_frequency, "_MAX_SORTED", limit)
    monkeypatch.setattr(document_frequency, "_MAX_SEARCHED", limit)
    return str(request.param)


def bucket(word: str) -> int:
    return int(ngrams.count([word], [1]).buckets[0])


def test_a_text_counts_once_for_each_bucket(way: str) -> None:
    frequency = DocumentFrequency.of(ngrams.count(TEXTS, [1]))
    assert frequency.buckets.tolist() == sorted(map(bucket, "abcde")) and frequency.buckets.dtype == np.int32
    words = np.array([bucket(word) for word in "edabc"], np.int32)
    assert frequency.texts_with(words).tolist() == [1, 2, 5, 4, 3]


def test_the_most_frequent_come_first_and_equal_ones_by_number(way: str) -> None:
    frequency = DocumentFrequency.of(ngrams.count([*TEXTS, "e"], [1]))
    equal = sorted(map(bucket, "de"))
    assert frequency.most_frequent(2).tolist() == [*map(bucket, "abc"), *equal]
    assert frequency.most_frequent(3).tolist() == [*map(bucket, "abc")]
    assert frequency.most_frequent(100).tolist() == [*map(bucket, "abc"), *equal]  # none has that many: all


def test_parts_add_up_to_the_whole() -> None:
    whole, *parts = (DocumentFrequency.of(ngrams.count(texts, [1, 2])) for texts in (TEXTS, TEXTS[:2], TEXTS[2:]))
    for of_whole, of_parts in zip(whole, DocumentFrequency.sum(parts), strict=True):
        np.testing.assert_array_equal(of_whole, of_parts)


def test_an_entry_is_at_its_position_or_nowhere(way: str) -> None:
    chosen = np.array([7, 3, (1 << 22) - 1, 0], np.int32)
    entries = np.array([0, 1, (1 << 22) - 1, 3, 3, 7, 8], np.int32)
    assert document_frequency.find(entries, chosen).tolist() == [3, -1, 2, 1, 1, 0, -1]
    assert document_frequency.find(entries, chosen[:0]).tolist() == [-1] * 7
    assert document_frequency.find(entries[:0], chosen).tolist() == []


def test_no_text_has_no_bucket(way: str) -> None:
    frequency = DocumentFrequency.of(ngrams.count(["", " "], [1]))
    assert len(frequency.buckets) == 0 and frequency.most_frequent(1).tolist() == []
