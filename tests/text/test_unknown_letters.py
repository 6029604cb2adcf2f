"""The share of letters that a tokenizer does not know, in scripts that it has and has not seen."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tenor.models.pretrained import hub, huggingface
from tenor.text import unknown_letters
from tenor.text.subwords import SubwordTokenizer

ENGLISH = ["This is a really good film, and the actors are great.", "I did not like the plot of this film at all."]
CHINESE = ["这部电影非常好看，演员表现出色。", "剧情拖沓无聊，浪费时间。"]
RUSSIAN = ["Этот фильм мне очень понравился, прекрасная игра актёров."]


@pytest.fixture(scope="module")
def wordpiece() -> SubwordTokenizer:
    folder = huggingface.read_folder(hub.locate("minilm"))
    return SubwordTokenizer(folder.tokenizer, folder.padding)


@pytest.fixture(scope="module")
def bytes_of_english() -> SubwordTokenizer:

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1_000, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(ENGLISH * 10, trainer)
    return SubwordTokenizer(json.loads(tokenizer.to_str()), 0)


@pytest.mark.parametrize(
    ("texts", "low", "high"),
    [
        (ENGLISH, 0.0, 0.01),
        (CHINESE, 0.5, 1.0),
        (RUSSIAN, 0.8, 1.0),
        (["이 영화는 정말 재미있었어요."], 0.9, 1.0),
        (["この映画はとても面白かったです。"], 0.8, 1.0),
        (["Dieser Film hat mir sehr gut gefallen, die Schauspieler waren großartig."], 0.0, 0.15),
        (["12.5 %, +++ 😀", ""], 0.0, 0.0),
        ([], 0.0, 0.0),
        (["a b c d"], 0.0, 0.0),  # single letters are words here
    ],
)
def test_an_english_tokenizer_knows_latin_letters(
    wordpiece: SubwordTokenizer, texts: list[str], low: float, high: float
) -> None:
    assert low <= unknown_letters.share(wordpiece, texts) <= high


def test_letters_in_several_bytes_are_not_known(bytes_of_english: SubwordTokenizer) -> None:
    assert unknown_letters.share(bytes_of_english, ENGLISH) < 0.05
    assert unknown_letters.share(bytes_of_english, CHINESE) == 1.0
    assert unknown_letters.share(bytes_of_english, ["film 片"]) == pytest.approx(1 / 5)


def test_characters_of_a_chinese_tokenizer_are_known() -> None:
    vocabulary = {token: number for number, token in enumerate(["[UNK]", *sorted(set("".join(CHINESE)))])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    specification = json.loads(tokenizer.to_str())
    specification["normalizer"] = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    }
    subwords = SubwordTokenizer(specification, 0)
    assert unknown_letters.share(subwords, CHINESE) == 0.0
    assert unknown_letters.share(subwords, RUSSIAN) == 1.0
