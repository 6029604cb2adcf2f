"""The table of `bag` has a vector for each n-gram of the texts, not for each that the vocabulary has room for."""

from pathlib import Path

import keras
import numpy as np
import pytest

from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier
from tenor.data.fields import Field, Fields
from tenor.models.families import bag
from tenor.models.neural.network import to_numpy
from tenor.tasks import SingleLabel
from tenor.training import network_training, neural


@pytest.mark.parametrize(
    ("n_texts", "vocabulary", "expected"), [(6, 200_000, 256), (400, 200_000, 2_048), (40, 50, 50)]
)
def test_the_table_is_as_large_as_the_texts_need(n_texts: int, vocabulary: int, expected: int) -> None:
    texts = [f"word{number} other{number}" for number in range(n_texts)] * 2
    config, encoder = bag.encode(bag.Config(vocabulary=vocabulary), texts)
    assert encoder.size <= config.n_vectors == expected
    assert next(bag.shapes(config, 1)) == ("embedding/embeddings", (expected, 32))
    assert config.vocabulary == vocabulary  # a later fit to more texts has room


def test_a_separator_of_fields_has_a_vector_too() -> None:
    fields = Fields((Field("one", "text"), Field("two", "text")))
    for vocabulary in range(8, 40):
        texts = [fields.join([f"a{number} b", f"c{number} d"]) for number in range(6)] * 2
        config, encoder = neural.fit_text_encoder(bag.FAMILY, bag.Config(vocabulary=vocabulary), texts, None, fields)
        assert encoder.size <= config.n_vectors <= vocabulary


def test_settings_of_earlier_versions_have_a_vector_for_the_whole_vocabulary() -> None:
    assert bag.Config(vocabulary=300).n_vectors == 300


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX draws other numbers for another shape")
def test_the_vectors_do_not_depend_on_the_size_of_the_table() -> None:
    task, tables = SingleLabel(("a", "b")), []
    for vectors in (64, 4_096):
        model = network_training.build_model(bag.FAMILY, bag.Config(vectors=vectors), task, 5)
        tables.append(to_numpy(model.get_layer("embedding").embeddings))
    np.testing.assert_array_equal(tables[0], tables[1][:64])


def test_a_saved_model_of_few_texts_is_small(tmp_path: Path) -> None:
    settings = SMALL["bag"] | {"vocabulary": 200_000, "epochs": 1}
    model = TextClassifier("bag", settings, random_state=1).fit(ENGLISH, LABELS)
    model.save(tmp_path / "model")
    assert sum(file.stat().st_size for file in (tmp_path / "model").iterdir()) < 100_000
