"""Parting a dataset: seeded, stratified by label, with equal texts on one side."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def hold_out(texts: Sequence[str], labels: Sequence[str], share: float, seed: int) -> tuple[Rows, Rows]:
    """Part rows into those kept and those held out.

    Texts that are equal but for blanks around them never stand on both sides, and each class gives about `share` of
    its rows; a class too small for that gives none. No class is held out whole.

    Args:
        texts: The texts.
        labels: The label of each.
        share: Share to hold out, between 0 and 1.
        seed: Seed of the draw.

    Returns:
        Rows kept and rows held out, both rising.
    """
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        groups.setdefault(text.strip(), []).append(row)
    by_label: dict[str, list[list[int]]] = {}
    for rows in groups.values():
        by_label.setdefault(labels[rows[0]], []).append(rows)
    random = np.random.default_rng((seed, 2))
    out: list[int] = []
    for label in sorted(by_label):
        members = by_label[label]
        rows_of_label = sum(map(len, members))
        wanted = min(round(share * rows_of_label), rows_of_label - 1)
        for index in random.permutation(len(members)):
            if wanted <= 0:
                break
            if len(members[index]) <= wanted:
                out += members[index]
                wanted -= len(members[index])
    held_out = np.zeros(len(texts), bool)
    held_out[out] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
