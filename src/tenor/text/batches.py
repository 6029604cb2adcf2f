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


def choose_widths(lengths: npt.NDArray[np.int64], maximum: int, price: float = 0.0) -> list[int]:
    """Widths that batches are padded to, of those that rise by about a quarter: the ones with which texts of these
    lengths cost the fewest tokens.

    Args:
        lengths: (texts,) length of each text in tokens, one at least.
        maximum: The longest length.
        price: Tokens of padding that it is worth to do without a width.
    """
    choices = _widths(maximum)
    of_each = np.bincount(np.searchsorted(choices, lengths))  # texts that fit in a width, and in none below it
    until = np.concatenate([[0], of_each.cumsum()])
    best: list[tuple[float, list[int]]] = [(0.0, [])]  # for the texts of the first widths: the cost, the widths used
    for end, width in enumerate(choices[: len(of_each)], 1):
        padded = width * (until[end] - until[:end])
        best.append(min((best[begin][0] + price + padded[begin], [*best[begin][1], width]) for begin in range(end)))
    return best[-1][1]


def _widths(maximum: int) -> list[int]:
    """All widths there are for texts of up to so many tokens."""
    result, width = [], 16
    while width < maximum:
        result.append(width)
        width = -(-width * 5 // 4 // 8) * 8
    return [*result, maximum]


def shuffled_batches(
    lengths: npt.NDArray[np.int64], tokens: int, widths: list[int], seed: int, epoch: int
) -> list[Batch]:
    """The batches of one epoch of training.

    Args:
        lengths: (texts,) length of each text in tokens.
        tokens: Tokens in a batch, padding included; a batch has at least one text.
        widths: Widths that batches are padded to, rising.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    random = np.random.default_rng((seed, epoch))
    batches = _grouped(random.permutation(len(lengths)), lengths, tokens, widths)
    return [batches[index] for index in random.permutation(len(batches))]


def sequential_batches(lengths: npt.NDArray[np.int64], tokens: int, widths: list[int]) -> list[Batch]:
    """Batches for evaluation: the same texts grouped by length, unshuffled."""
    return _grouped(np.arange(len(lengths)), lengths, tokens, widths)


def batches_by_length(lengths: npt.NDArray[np.int64], tokens: int) -> list[Batch]:
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


def _grouped(order: Rows, lengths: npt.NDArray[np.int64], tokens: int, widths: list[int]) -> list[Batch]:
    group = np.searchsorted(widths, lengths[order])
    batches = []
    for index, width in enumerate(widths):
        rows = order[group == index]
        size = max(1, tokens // width)
        batches += [Batch(rows[at : at + size], width, size) for at in range(0, len(rows), size)]
    return batches
