import numpy as np
import pytest

from helpers.rows import english
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models import registry
from tenor.models.family import SavedModel
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.tasks import SingleLabel


def test_a_model_from_before_n_grams_of_characters_loads() -> None:
    config = Config(word_ngrams=(1,), char_ngrams=(), weighting="tf-idf", C=1.0)
    texts, labels = map(list, zip(*english(), strict=True))
    task, weights = SingleLabel(("negative", "positive")), np.ones(len(texts), np.float32)
    model = ngram_model.fit(ngram_model.count_ngrams(texts, config), task.encode(labels), task, weights, config)
    encoder = model.encoder()
    del encoder["characters"]
    again = ngram_model.restore(SavedModel(config, encoder, model.arrays(), task, {}, registry.find))
    assert np.array_equal(again.logits(texts), model.logits(texts))


@pytest.mark.parametrize(
    "wrong", [{"word_ngrams": [9]}, {"char_ngrams": [0]}, {"word_ngrams": []}, {"char_ngrams": []}]
)
def test_lengths_that_are_no_lengths_are_refused(wrong: dict[str, list[int]]) -> None:
    with pytest.raises(SettingsError, match="must be lengths from 1 to 8"):
        settings.make(Config, wrong, "run.toml")
