import numpy as np
import pytest

from tenor.models.ngram import features
from tenor.text import ngrams
from tenor.text.document_frequency import DocumentFrequency


@pytest.mark.parametrize(("most_features", "most_weights", "kept"), [(3, 100, 3), (100, 8, 2), (100, 100, 5)])
def test_where_there_are_too_many_n_grams_the_most_frequent_are_kept(
    most_features: int, most_weights: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "MAX_FEATURES", most_features)
    monkeypatch.setattr(features, "MAX_WEIGHTS", most_weights)
    counts = ngrams.count(["a b c d e", "a b c d", "a b c", "a b", "a"], [1])
    result = features.fit_features(counts, np.eye(5, 4, dtype=np.float32), "tf-idf", 1)
    assert result.buckets.tolist() == DocumentFrequency.of(counts).most_frequent(1)[:kept].tolist()
    assert result.matrix.shape == (5, kept) and result.idf.tolist() == sorted(result.idf)
