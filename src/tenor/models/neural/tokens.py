"""Choose the tokens of a network with its own vocabulary: words, or subwords trained on the texts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from tenor.models.network_config import MIN_SUBWORDS, TokenKind, WordConfig
from tenor.text import scripts, vocabulary
from tenor.text.encoded import TextEncoder

Config = TypeVar("Config", bound=WordConfig)

FEWEST_CHARACTERS = 20_000
"""With fewer characters in the training texts, words are the better choice."""

_SAMPLE = 50_000  # texts, at most, whose scripts decide


def encode(config: Config, texts: Sequence[str]) -> tuple[Config, TextEncoder]:
    """Build the text encoder from the training texts.

    Args:
        config: The family's settings.
        texts: Training texts.

    Returns:
        The settings with `tokens` filled in, and the encoder.
    """
    tokens = config.tokens or _choose(config, texts)
    config = replace(config, tokens=tokens)
    if tokens == "words":
        return config, vocabulary.build(texts, config.vocabulary)
    from tenor.text import subwords  # loads the package `tokenizers`

    return config, subwords.build(texts, config.vocabulary)


def _choose(config: WordConfig, texts: Sequence[str]) -> TokenKind:
    """Subwords if most texts have no spaces between words, and texts and vocabulary are large enough; else words."""
    if config.vocabulary < MIN_SUBWORDS or sum(map(len, texts)) < FEWEST_CHARACTERS:
        return "words"
    sample = texts[:: -(-len(texts) // _SAMPLE)]
    return "subwords" if scripts.mostly_in(sample, scripts.UNSPACED) else "words"
