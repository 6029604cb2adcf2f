"""Parting a dataset: seeded, stratified, with equal texts on one side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def hold_out(
    texts: Sequence[str], strata: Sequence[Any] | npt.NDArray[Any], share: float, seed: int
) -> tuple[Rows, Rows]:
    """Part rows into those kept and those held out.

    Texts that are equal but for blanks around them never stand on both sides, and each stratum gives about `share`
    of its rows; one too small for that gives none. None is held out whole.

    Args:
        texts: The texts.
        strata: Group of like texts that each belongs to, such as its label.
        share: Share to hold out, between 0 and 1.
        seed: Seed of the draw.

    Returns:
        Rows kept and rows held out, both rising.
    """
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        groups.setdefault(text.strip(), []).append(row)
    by_stratum: dict[Any, list[list[int]]] = {}
    for rows in groups.values():
        by_stratum.setdefault(strata[rows[0]], []).append(rows)
    random = np.random.default_rng((seed, 2))
    out: list[int] = []
    for stratum in sorted(by_stratum):
        members = by_stratum[stratum]
        rows_of_stratum = sum(map(len, members))
        wanted = min(round(share * rows_of_stratum), rows_of_stratum - 1)
        for index in random.permutation(len(members)):
            if wanted <= 0:
                break
            if len(members[index]) <= wanted:
                out += members[index]
                wanted -= len(members[index])
    held_out = np.zeros(len(texts), bool)
    held_out[out] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
