"""Batches of rows of similar length, with a limited number of tokens. Their order depends on seed and epoch alone."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

_POOL = 50  # batches; fewer leave more padding, more would make batches of an epoch more like those of another


class Batch(NamedTuple):
    """One batch.

    Attributes:
        rows: (batch,) the rows.
        width: Tokens to which each row is padded.
        size: Rows in a full batch of this width.
    """

    rows: Rows
    width: int
    size: int


def choose_widths(lengths: npt.NDArray[np.int64], max_length: int, width_cost: float = 0.0) -> list[int]:
    """Choose the widths that batches are padded to, so that padding and the widths together cost least.

    The candidates rise by about a quarter each. A dynamic program over them finds the cheapest choice.

    Args:
        lengths: (rows,) tokens in each row, at least one row.
        max_length: The longest length that may occur.
        width_cost: What one more width costs, in tokens of padding.
    """
    candidates = _candidate_widths(max_length)
    n_rows = np.bincount(np.searchsorted(candidates, lengths))  # rows that fit in a width and in no smaller one
    rows_before = np.concatenate([[0], n_rows.cumsum()])
    best: list[tuple[float, list[int]]] = [(0.0, [])]  # for the rows of the first widths: the cost, and the choice
    for end, width in enumerate(candidates[: len(n_rows)], 1):
        tokens = width * (rows_before[end] - rows_before[:end])
        best.append(
            min((best[begin][0] + width_cost + tokens[begin], [*best[begin][1], width]) for begin in range(end))
        )
    return best[-1][1]


def _candidate_widths(max_length: int) -> list[int]:
    result, width = [], 16
    while width < max_length:
        result.append(width)
        width = -(-width * 5 // 4 // 8) * 8
    return [*result, max_length]


def shuffled_batches(
    lengths: npt.NDArray[np.int64], max_tokens: int, widths: list[int], seed: int, epoch: int
) -> list[Batch]:
    """The batches of one epoch of training, in random order.

    Args:
        lengths: (rows,) tokens in each row.
        max_tokens: Tokens in a batch with padding; a batch has at least one row.
        widths: Widths that batches are padded to, rising.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    random = np.random.default_rng((seed, epoch))
    batches = _group_by_width(random.permutation(len(lengths)), lengths, max_tokens, widths)
    return [batches[index] for index in random.permutation(len(batches))]


def sorts_by_length(lengths: npt.NDArray[np.int64], max_tokens: int) -> bool:
    """Whether there are enough rows for `length_sorted_batches`.

    Little data gets more steps from `shuffled_batches`, whose batches are smaller.

    Args:
        lengths: (rows,) tokens in each row.
        max_tokens: Tokens in a batch.
    """
    return int(lengths.sum()) >= _POOL * max_tokens


def length_sorted_batches(lengths: npt.NDArray[np.int64], max_tokens: int, seed: int, epoch: int) -> list[Batch]:
    """The batches of one epoch of training, in random order, for a model that takes any shape.

    Random pools of rows, each large enough for 50 batches, are sorted by length. So almost no padding is left, and
    rows of similar length meet others in each epoch. The number of batches may differ between epochs.

    Args:
        lengths: (rows,) tokens in each row.
        max_tokens: Tokens in a batch with padding; a batch has at least one row.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    random = np.random.default_rng((seed, epoch))
    n_pools = max(1, round(int(lengths.sum()) / (_POOL * max_tokens)))
    batches = []
    for pool in np.array_split(random.permutation(len(lengths)), n_pools):
        batches += [
            batch._replace(rows=pool[batch.rows], size=len(batch.rows))
            for batch in batches_by_length(lengths[pool], max_tokens)
        ]
    return [batches[index] for index in random.permutation(len(batches))]


def sequential_batches(lengths: npt.NDArray[np.int64], max_tokens: int, widths: list[int]) -> list[Batch]:
    """The batches for evaluation: rows grouped by width, in their order. Arguments as for `shuffled_batches`."""
    return _group_by_width(np.arange(len(lengths)), lengths, max_tokens, widths)


def batches_by_length(lengths: npt.NDArray[np.int64], max_tokens: int) -> list[Batch]:
    """Batches of rows sorted by length, for a model that takes any shape.

    Args:
        lengths: (rows,) tokens in each row.
        max_tokens: Tokens in a batch with padding; a batch has at least one row.

    Returns:
        Batches as wide as their longest row, or 1; the longest rows come first.
    """
    order = np.argsort(lengths, kind="stable")
    sorted_lengths = np.maximum(lengths[order], 1)
    batches, end = [], len(order)
    while end > 0:  # from the longest row on, so that the width of a batch is known first
        width = int(sorted_lengths[end - 1])
        size = max(1, max_tokens // width)
        begin = max(0, end - size)
        batches.append(Batch(order[begin:end], width, size))
        end = begin
    return batches


def _group_by_width(order: Rows, lengths: npt.NDArray[np.int64], max_tokens: int, widths: list[int]) -> list[Batch]:
    width_of_row = np.searchsorted(widths, lengths[order])
    batches = []
    for index, width in enumerate(widths):
        rows = order[width_of_row == index]
        size = max(1, max_tokens // width)
        batches += [Batch(rows[at : at + size], width, size) for at in range(0, len(rows), size)]
    return batches
