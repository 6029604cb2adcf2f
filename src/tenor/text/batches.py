"""Batches of texts of similar length, counted in tokens; their order is a function of (seed, epoch) alone."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """rows: texts of the batch; width: tokens to which they are padded; size: rows of a full batch of that width."""

    rows: Rows
    width: int
    size: int


def widths(maximum: int) -> list[int]:
    """Widths that batches are padded to: steps of about a quarter, so that few shapes occur and little is padding."""
    result, width = [], 16
    while width < maximum:
        result.append(width)
        width = -(-width * 5 // 4 // 8) * 8
    return [*result, maximum]


def shuffled(lengths: npt.NDArray[np.int64], tokens: int, maximum: int, seed: int, epoch: int) -> list[Batch]:
    """The batches of one epoch of training.

    Args:
        lengths: (texts,) length of each text in tokens.
        tokens: Tokens in a batch, padding included; a batch has at least one text.
        maximum: The longest length.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    random = np.random.default_rng((seed, epoch))
    batches = _grouped(random.permutation(len(lengths)), lengths, tokens, maximum)
    return [batches[index] for index in random.permutation(len(batches))]


def in_order(lengths: npt.NDArray[np.int64], tokens: int, maximum: int) -> list[Batch]:
    """Batches for evaluation: the same texts grouped by length, unshuffled."""
    return _grouped(np.arange(len(lengths)), lengths, tokens, maximum)


def by_length(lengths: npt.NDArray[np.int64], tokens: int) -> list[Batch]:
    """Batches of texts sorted by length, for what takes any shape: each is as wide as its longest text, or 1."""
    order = np.argsort(lengths, kind="stable")
    wide = np.maximum(lengths[order], 1)
    batches, end = [], len(order)
    while end > 0:  # from the longest text on, so that a batch's width is known first
        width = int(wide[end - 1])
        size = max(1, tokens // width)
        begin = max(0, end - size)
        batches.append(Batch(order[begin:end], width, size))
        end = begin
    return batches


def _grouped(order: Rows, lengths: npt.NDArray[np.int64], tokens: int, maximum: int) -> list[Batch]:
    choices = widths(maximum)
    group = np.searchsorted(choices, lengths[order])
    batches = []
    for index, width in enumerate(choices):
        rows = order[group == index]
        size = max(1, tokens // width)
        batches += [Batch(rows[at : at + size], width, size) for at in range(0, len(rows), size)]
    return batches
