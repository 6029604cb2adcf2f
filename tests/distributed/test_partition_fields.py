"""The rows of several fields of one partition: the sums of a fit are those of the rows in memory."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray")

from tenor.data.fields import Field, Fields
from tenor.data.read_options import ReadOptions
from tenor.distributed.partition import Partition
from tenor.models.linear.solver import LinearWeights
from tenor.models.ngram import features, row_counts
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.models.ngram.model import NgramModel
from tenor.tasks import SingleLabel

FIELDS = Fields((Field("title"), Field("body"), Field("price", "number")))
CONFIG = Config(word_ngrams=(1,), char_ngrams=(), weighting="tf-idf", C=3.0, field_buckets="own", feature_scale=0.3)


def test_the_sums_are_those_of_rows_in_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = [(f"t{a}", f"b{b}", f"{a * b}") for a, b in random.integers(0, 9, (80, 2)).tolist()]
    labels = ["no", "yes"] * 40
    lines = ["title,body,price,label", *(",".join((*row, label)) for row, label in zip(values, labels, strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    partition, task = Partition(), SingleLabel(("no", "yes"))
    options = ReadOptions(text=("title", "body"), features=("price:number",), label="label", on_disk=False)
    assert partition.read([str(tmp_path / "rows.csv")], options).rows == 80
    partition.encode(task)
    rows = [FIELDS.join(row) for row in values]
    encoder = row_counts.fit_encoder(rows, FIELDS, CONFIG)
    partition.count(encoder)
    frequency = partition.count_features(None)
    buckets, idf = features.select_buckets(frequency, (80, 1), "tf-idf", 2)
    assert partition.weigh(buckets, idf, CONFIG, task) is None
    fitted = ngram_model.fit_features(encoder.count(rows), np.zeros((80, 1), np.float32), CONFIG)
    np.testing.assert_array_equal(fitted.buckets, buckets)
    n_features = fitted.matrix.shape[1]
    direction = np.zeros((n_features + 1, 1), np.float32)
    partition.set_direction(direction)
    gradient = partition.step(np.ones((1, 1), np.float32))
    targets = np.array([label == "yes" for label in labels], np.float32)
    np.testing.assert_allclose(gradient[:-1, 0], fitted.matrix.T @ (0.5 - targets), atol=1e-4)
    weights = LinearWeights(random.normal(size=(n_features, 1)).astype(np.float32), np.zeros(1, np.float32))
    model = NgramModel(encoder, "tf-idf", buckets, idf, weights, 0.3)
    chosen = np.arange(5)
    np.testing.assert_allclose(partition.score(model, chosen), model.logits(rows[:5]), rtol=1e-5)
