"""Words or subwords: which the networks with a vocabulary take."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from tenor import TextClassifier
from tenor.errors import SettingsError
from tenor.models.families import bag, cnn, lstm, transformer
from tenor.models.family import NetworkFamily
from tenor.models.neural import network, tokens
from tenor.models.neural.network import Network
from tenor.models.neural.tokens import FEWEST_CHARACTERS
from tenor.tasks import SingleLabel
from tenor.text.encoded import TextEncoder
from tenor.text.gram_ids import NgramVocabulary
from tenor.text.subwords import SubwordTokenizer
from tenor.text.vocabulary import Vocabulary

CHINESE = ["这部电影很好看，我很喜欢", "这部电影很难看，我不喜欢"] * 20
ENGLISH = ["I like this film a lot", "I do not like this film"] * 20
LABELS = ["positive", "negative"] * 20
THAI = ["หนังเรื่องนี้สนุกมาก", "หนังเรื่องนี้น่าเบื่อ"] * 20
SMALL: dict[str, Any] = {
    "tokens": "subwords",
    "vocabulary": 1000,
    "embedding": 8,
    "filters": 8,
    "widths": [1, 2],
    "max_length": 16,
    "batch_tokens": 64,
    "epochs": 12,
    "learning_rate": 0.02,
    "dropout": 0.0,
}


def much(texts: list[str]) -> list[str]:
    return texts * (FEWEST_CHARACTERS // sum(map(len, texts)) + 1)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (much(CHINESE), "subwords"),
        (much(THAI), "subwords"),
        (much(ENGLISH), "words"),
        (CHINESE, "words"),  # too few to train on
        (much([*CHINESE, *ENGLISH, "русский"]), "words"),
        ([], "words"),
    ],
)
def test_the_texts_tell(texts: list[str], expected: str) -> None:
    for family in (cnn, lstm, transformer):
        config, encoder = tokens.encode(family.Config(), texts)
        assert config.tokens == expected
        assert isinstance(encoder, SubwordTokenizer if expected == "subwords" else Vocabulary)
        assert encoder.size <= config.vocabulary


def test_the_setting_tells() -> None:
    assert isinstance(tokens.encode(cnn.Config(tokens="subwords"), ENGLISH)[1], SubwordTokenizer)
    assert isinstance(tokens.encode(cnn.Config(tokens="words"), much(CHINESE))[1], Vocabulary)
    assert isinstance(tokens.encode(cnn.Config(vocabulary=500), much(CHINESE))[1], Vocabulary)


def test_a_small_vocabulary_has_no_room_for_subwords() -> None:
    with pytest.raises(SettingsError, match="must be 1000 or more for subwords"):
        cnn.Config(tokens="subwords", vocabulary=999)


@pytest.mark.parametrize(
    ("family", "fits", "too_large"),
    [
        (cnn.FAMILY, Vocabulary(("a",)), Vocabulary(("a", "b"))),
        (bag.FAMILY, NgramVocabulary((1,), (5, 7)), NgramVocabulary((1,), (5, 7, 9))),
    ],
)
def test_an_encoder_of_more_ids_than_there_are_vectors_is_refused(
    family: NetworkFamily, fits: TextEncoder, too_large: TextEncoder
) -> None:
    config, task = family.config(vocabulary=3, embedding=4), SingleLabel(("a", "b"))
    arrays = Network(family, task, config, fits, family.build(config, task)).arrays()
    assert network.restore(family, config, fits.to_dict(), arrays, task).text_encoder.size == 3
    with pytest.raises(ValueError, match="it has ids up to 3, and the network 3 of them"):
        network.restore(family, config, too_large.to_dict(), arrays, task)


def test_a_network_of_subwords_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    model = TextClassifier("cnn", SMALL, random_state=3).fit(CHINESE, LABELS)
    assert model.score(CHINESE, LABELS) == 1.0
    model.save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    mixed = [*CHINESE[:2], "", "我😀鑫 ＬＩＫＥ", "\ud800"]
    np.testing.assert_array_equal(loaded.predict_proba(mixed), model.predict_proba(mixed))
