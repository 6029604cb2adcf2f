"""`ngram` on rows of several fields that are on disk gives the model of rows in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenor._core import disk_arrays
from tenor.data.blocks import text_hash
from tenor.data.fields import Field, Fields
from tenor.data.text_source import DiskTexts
from tenor.models.base import Examples
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.tasks import SingleLabel

TASK = SingleLabel(("no", "yes"))
FIELDS = Fields((Field("one"), Field("other"), Field("price", "number")), is_pair=True)
CONFIG = Config(word_ngrams=(1, 2), char_ngrams=(3,), weighting="tf-idf-naive-bayes", C=3.0, field_buckets="both")


def on_disk(rows: list[str]) -> DiskTexts:
    data = [row.encode() for row in rows]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in data])]).astype(np.int64)
    hashes = np.array([text_hash(row) for row in rows], np.uint64)
    stored = disk_arrays.store([np.frombuffer(b"".join(data), np.uint8)], np.uint8)
    return DiskTexts(stored, disk_arrays.store([ends], np.int64), disk_arrays.store([hashes], np.uint64))


def test_the_model_is_that_of_rows_in_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    words = random.integers(0, 40, (300, 2)).tolist()
    prices = random.normal(size=300)
    rows = [FIELDS.join([f"a w{a} b", f"c w{b}", f"{price:.2f}"]) for (a, b), price in zip(words, prices, strict=True)]
    targets = (prices > 0).astype(np.int32)
    models = []
    with disk_arrays.temp_dir_near(tmp_path / "model"):
        for texts in (rows, on_disk(rows)):
            counts = ngram_model.count_ngrams(texts, CONFIG, None, FIELDS)
            fitted = ngram_model.fit(counts, targets, TASK, np.ones(300, np.float32), CONFIG)
            examples = Examples(texts, targets, TASK, np.ones(300, np.float32), fields=FIELDS)
            fold = ngram_model.fold_fitter(counts, examples, replace(CONFIG, calibrated=False))
            models.append((fitted.logits(rows), fold(np.arange(200), np.arange(200, 300))))
    (one, one_fold), (other, other_fold) = models
    assert ((one[:, 0] > 0) == targets).mean() > 0.9
    np.testing.assert_allclose(other, one, atol=1e-3)
    np.testing.assert_allclose(other_fold, one_fold, atol=1e-3)


@pytest.mark.parametrize("texts", [["a\x1fb\x1f1"] * 3, []])
def test_few_rows(texts: list[str]) -> None:
    counts = ngram_model.count_ngrams(texts, CONFIG, None, FIELDS)
    assert counts.features is not None and counts.features.shape[0] == len(texts)
