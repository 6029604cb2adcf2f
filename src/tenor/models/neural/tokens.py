"""What the tokens of a network are that learns a vector for each: words, or subwords trained on the texts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from tenor.models.base import FEWEST_SUBWORDS, TokenKind, WordConfig
from tenor.text import scripts, vocabulary
from tenor.text.encoded import TextEncoder

Config = TypeVar("Config", bound=WordConfig)

FEWEST_CHARACTERS = 20_000
"""Characters in the training texts from which on subwords are the better choice."""

_SOME = 50_000  # texts at most that tell what most are


def encode(config: Config, texts: Sequence[str]) -> tuple[Config, TextEncoder]:
    """The settings with `tokens` filled in, and the encoder made of the training texts."""
    tokens = config.tokens or _choose(config, texts)
    config = replace(config, tokens=tokens)
    if tokens == "words":
        return config, vocabulary.build(texts, config.vocabulary)
    from tenor.text import subwords  # loads the package `tokenizers`

    return config, subwords.build(texts, config.vocabulary)


def _choose(config: WordConfig, texts: Sequence[str]) -> TokenKind:
    """Subwords where most texts have no blanks between words, if the texts and the vocabulary are large enough."""
    if config.vocabulary < FEWEST_SUBWORDS or sum(map(len, texts)) < FEWEST_CHARACTERS:
        return "words"
    some = texts[:: -(-len(texts) // _SOME)]
    return "subwords" if scripts.mostly_in(some, scripts.UNSPACED) else "words"
