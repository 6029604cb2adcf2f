"""Estimates of how long models take to fit, in seconds, from a sample of the texts.

The numbers were measured on two cores, and on an NVIDIA H200 GPU.
"""

import numpy as np
import numpy.typing as npt

from tenor._core import threads
from tenor.models.auto import cost
from tenor.models.base import Examples
from tenor.models.families import lstm
from tenor.models.neural import backend

SHORTEST_LENGTH = 128
"""The shortest maximum length of a text that an encoder is tried with, in tokens."""

# Seconds of the first n-gram model: at least, for each text and for each character. The factor with several classes,
# the number of classes that adds 1 to it, and the number of labels of a multi-label task that doubles the time.
_FIRST_S, _FIRST_TEXT_S, _FIRST_CHARACTER_S = 0.8, 6.5e-5, 7e-8
_FIRST_CLASSES, _FIRST_MORE_CLASSES, _FIRST_LABELS = 1.5, 20, 4
# Networks that learn all words: the minimum in seconds, or enough for three epochs and for the steps that little data
# needs. Tokens per second are those of one core.
_MIN_WORDS_S, _WORD_TOKENS_PER_S, _MIN_WORD_TOKENS = 30.0, 60_000, 300_000
# What an encoder costs before its first step, mostly tracing, and after its last, besides scoring: the ONNX graph.
_START_S, _END_S = 11.0, 5.5
# Texts that an encoder must see, or all: with fewer, other networks add more. Of short texts, which it reads in full,
# fewer suffice: 2,300 texts of ag_news took the loss of a blend on 640 others from 0.413 to 0.330.
_MIN_SEEN, _MIN_SEEN_SHORT = 4_500, 2_000
# Training seconds of an encoder per token on one core, and per pair of tokens (attention).
_TOKEN_S, _PAIR_S = 4.2e-4, 8.8e-7
_SCORED_TOKENS_PER_S = 4_000  # by an encoder, on one core
_FROZEN_START_S = 2.0  # of a frozen encoder besides scoring: its weights, its graph, its head
# On the GPU the start is compiling; then seconds to train on a token and to score one.
_DEVICE_START_S, _DEVICE_END_S = 20.0, 10.0
_DEVICE_TOKEN_S, _DEVICE_SCORED_TOKEN_S = 1.6e-6, 2e-6
_CHARACTERS_PER_TOKEN = 4.5


def first_ngram(examples: Examples) -> float:
    """Seconds of the first n-gram model, which chooses its settings."""
    texts = cost.sample(examples)
    per_text = _FIRST_TEXT_S + _FIRST_CHARACTER_S * float(np.mean([len(text) for text in texts])) if texts else 0.0
    if labels := n_labels(examples):
        factor = 1 + labels / _FIRST_LABELS
    else:
        n_outputs = examples.task.n_outputs
        factor = _FIRST_CLASSES + n_outputs / _FIRST_MORE_CLASSES if n_outputs > 1 else 1.0
    return (_FIRST_S + len(examples) * per_text) * factor


def n_labels(examples: Examples) -> int:
    """The number of labels of a multi-label task; 0 for other tasks."""
    return examples.task.n_outputs if examples.task.is_multilabel else 0


def encoder_epoch(examples: Examples, n_texts: int, max_length: float, token_cost: float = 1.0) -> float:
    """Seconds in which an encoder trains once on `n_texts` texts, cut to `max_length` tokens.

    Args:
        examples: The texts.
        n_texts: Number of texts.
        max_length: Maximum length of a text in tokens.
        token_cost: The encoder's time for a token, in units of that of MiniLM; so in the functions below.
    """
    lengths = _lengths(examples, max_length)
    if backend.has_accelerator():
        return token_cost * n_texts * float(lengths.mean()) * _DEVICE_TOKEN_S
    seconds = n_texts * float(np.mean(lengths * (_TOKEN_S + _PAIR_S * lengths))) / threads.available_cores()
    return token_cost * seconds


def encoder_minimum(examples: Examples, n_texts: int, token_cost: float = 1.0) -> float:
    """Seconds that an encoder must train on `n_texts` texts at least; with less, other networks add more."""
    is_short = tokens_per_text(examples, float("inf")) <= SHORTEST_LENGTH
    n_seen = min(n_texts, _MIN_SEEN_SHORT if is_short else _MIN_SEEN)
    return encoder_epoch(examples, n_seen, SHORTEST_LENGTH, token_cost)


def encoder_overhead(
    examples: Examples, n_scored: int, max_length: int, whole: bool = False, token_cost: float = 1.0
) -> float:
    """Seconds of an encoder besides its steps: start, export and scoring.

    Args:
        examples: The texts.
        n_scored: Number of texts to score.
        max_length: Maximum length of a text in tokens.
        whole: Whether it also reads longer texts in full.
        token_cost: The encoder's time for a token.
    """
    truncated, lengths = _lengths(examples, max_length), _lengths(examples, float("inf"))
    tokens = np.where(lengths > max_length, truncated + lengths * whole, lengths)
    n_tokens = token_cost * n_scored * float(tokens.mean())
    if backend.has_accelerator():
        return encoder_start() + _DEVICE_END_S + n_tokens * _DEVICE_SCORED_TOKEN_S
    return encoder_start() + _END_S + n_tokens / (_SCORED_TOKENS_PER_S * threads.available_cores())


def encoder_start() -> float:
    """Seconds of an encoder before its first step."""
    return _DEVICE_START_S if backend.has_accelerator() else _START_S


def frozen_encoder(examples: Examples, n_scored: int, max_length: float, token_cost: float = 1.0) -> float:
    """Seconds of an encoder with frozen weights, without Keras.

    Args:
        examples: The texts.
        n_scored: Number of texts that it reads.
        max_length: It reads as many tokens of a text; infinite: all.
        token_cost: The encoder's time for a token.
    """
    tokens = token_cost * n_scored * tokens_per_text(examples, max_length)
    return _FROZEN_START_S + tokens / (_SCORED_TOKENS_PER_S * threads.available_cores())


def word_network_minimum(examples: Examples) -> float:
    """Seconds that a network needs at least if it learns all of its words."""
    tokens = len(examples) * tokens_per_text(examples, lstm.Config.max_length)
    return min(_MIN_WORDS_S, (3 * tokens + _MIN_WORD_TOKENS) / (_WORD_TOKENS_PER_S * threads.available_cores()))


def tokens_per_text(examples: Examples, max_length: float) -> float:
    """Mean number of tokens of a text, cut to `max_length`."""
    return float(_lengths(examples, max_length).mean())


def _lengths(examples: Examples, max_length: float) -> npt.NDArray[np.float64]:
    """(sample,) tokens of each text, cut to `max_length`; two are special tokens."""
    characters = np.array([len(text) for text in cost.sample(examples)])
    return np.minimum(2 + characters / _CHARACTERS_PER_TOKEN, max_length)
