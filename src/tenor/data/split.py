"""Splitting a dataset: seeded, stratified, by groups of rows that belong together, or by time."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor.data.blocks import BLOCK_ROWS, Hashes, Rows, Scalar, remix, row_blocks
from tenor.data.fields import strip_values
from tenor.tasks import Label, LabelArray

Strata = Sequence[Label] | LabelArray
"""(rows,) the stratum of each row, such as its label."""

Groups = npt.NDArray[np.int64]
"""(rows,) the number of each row's group. Rows of one group always stay on one side of a split."""

MAX_HELD_OUT = 100_000
"""At most about this many rows of texts on disk are held out: a metric on this many is certain to 0.3 points."""


def groups_by_value(values: Iterable[Hashable]) -> Groups:
    """Rows with the same value form a group. A row without one (None, or an empty string) is alone."""
    numbers: dict[Hashable, int] = {}
    keys = ((row,) if value is None or value == "" else value for row, value in enumerate(values))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def groups_by_text(texts: Sequence[str]) -> Groups:
    """Texts that are equal but for whitespace around them form a group."""
    return groups_by_value(strip_values(text) or " " for text in texts)


def merge_groups(groupings: Sequence[Groups]) -> Groups:
    """Rows that any of several groupings links form a group."""
    rows = len(groupings[0])
    offset, links = rows, []
    for groups in groupings:
        links.append(groups + offset)
        offset += int(groups.max(initial=-1)) + 1
    row = np.tile(np.arange(rows), len(groupings))
    from scipy.sparse import coo_matrix  # here, since predictions need no SciPy
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(row), bool), (row, np.concatenate(links))), shape=(offset, offset))
    return np.asarray(connected_components(graph, directed=False)[1][:rows], np.int64)


def hold_out(
    texts: Sequence[str], strata: Strata, share: float, seed: int, groups: Groups | None = None
) -> tuple[Rows, Rows]:
    """Split rows at random into those kept and those held out.

    Texts that are equal but for whitespace around them stay on one side, and so do rows of a group. Each stratum gives
    about `share` of its rows; one that is too small gives none, and none is held out whole.

    Args:
        texts: The texts.
        strata: (texts,) the stratum of each, such as its label.
        share: Share to hold out, between 0 and 1.
        seed: Seed of the split.
        groups: (texts,) further groups that stay on one side.

    Returns:
        Rows kept and rows held out, both rising.
    """
    random = np.random.default_rng((seed, 2))
    held_out: list[int] = []
    for groups_of_stratum in _groups_by_stratum(texts, strata, groups):
        n_rows = sum(map(len, groups_of_stratum))
        n_left = min(round(share * n_rows), n_rows - 1)
        for index in random.permutation(len(groups_of_stratum)):
            if n_left <= 0:
                break
            if len(groups_of_stratum[index]) <= n_left:
                held_out += groups_of_stratum[index]
                n_left -= len(groups_of_stratum[index])
    return _kept_and_held_out(len(texts), held_out)


def hold_out_by_hash(hashes: Hashes, strata: LabelArray, share: float, seed: int) -> tuple[Rows, Rows]:
    """`hold_out` for any number of rows in the same memory: a seeded hash of each text's hash decides.

    Equal texts stay together. Strata get their shares by chance, and about MAX_HELD_OUT rows are held out at most.

    Args:
        hashes: (texts,) hash of each text.
        strata: (texts,) the stratum of each, as an integer.
        share: Share to hold out, between 0 and 1.
        seed: Seed of the split.

    Returns:
        Rows kept, on disk, and rows held out, both rising.
    """
    n_strata = int(strata.max(initial=-1)) + 1
    held_out = draw_by_hash(hashes, capped_share(share, len(hashes)), seed)
    whole = np.flatnonzero(kept_per_stratum(held_out, strata, n_strata) == 0)
    return split_rows(held_out, hashes, hashes_to_return(held_out, strata, hashes, whole))


def capped_share(share: float, rows: int) -> float:
    """The share of rows on disk that is held out if `share` is requested."""
    return min(share, MAX_HELD_OUT / max(rows, 1))


def draw_by_hash(hashes: Hashes, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """(texts,) whether a draw by hashes holds out each text; on disk."""
    salt = remix(np.array([seed], np.uint64))
    limit = np.uint64(int(share * (1 << 64)))
    held_out = disk_arrays.zeros(hashes.shape, bool)
    for at in range(0, len(hashes), BLOCK_ROWS):
        block = slice(at, at + BLOCK_ROWS)
        held_out[block] = remix(hashes[block] ^ salt) < limit
    disk_arrays.drop_pages(hashes)
    return held_out


def kept_per_stratum(held_out: npt.NDArray[np.bool_], strata: LabelArray, n_strata: int) -> Rows:
    """(n_strata,) how many rows of each stratum are kept."""
    kept = np.zeros(n_strata, np.int64)
    for at in range(0, len(strata), BLOCK_ROWS):
        block = slice(at, at + BLOCK_ROWS)
        kept += np.bincount(strata[block][~held_out[block]], minlength=n_strata)
    disk_arrays.drop_pages(strata)
    return kept


def hashes_to_return(
    held_out: npt.NDArray[np.bool_], strata: LabelArray, hashes: Hashes, whole: npt.NDArray[np.int64]
) -> Hashes:
    """Hashes of the held-out texts that are kept after all, since their stratum would be held out whole.

    Args:
        held_out: (texts,) which texts are held out.
        strata: (texts,) the stratum of each.
        hashes: (texts,) the hash of each.
        whole: The strata that would be held out whole.
    """
    rows = np.flatnonzero(held_out)
    return hashes[rows[np.isin(strata[rows], whole)]]


def split_rows(held_out: npt.NDArray[np.bool_], hashes: Hashes, returned: Hashes) -> tuple[Rows, Rows]:
    """The rows kept, on disk, and the rows held out. Texts whose hash is among `returned` are kept, all equal ones."""
    if len(returned):
        rows = np.flatnonzero(held_out)
        held_out[rows[np.isin(hashes[rows], returned)]] = False
    kept = disk_arrays.store((at + np.flatnonzero(~block) for at, block in _numbered_blocks(held_out)), np.int64)
    return kept, np.flatnonzero(held_out)


def _numbered_blocks(values: npt.NDArray[Scalar]) -> Iterator[tuple[int, npt.NDArray[Scalar]]]:
    """Blocks of rows, each with the position of its first row."""
    at = 0
    for block in row_blocks(values):
        yield at, block
        at += len(block)


def hold_out_latest(
    texts: Sequence[str], times: Sequence[float], share: float, groups: Groups | None = None
) -> tuple[Rows, Rows]:
    """Split rows into the earlier ones, which are kept, and the latest, which are held out.

    A group of rows, or of equal texts, goes where its earliest row goes. So what is held out is new at its time.

    Args:
        texts: The texts.
        times: (texts,) the time of each, as a number.
        share: Share to hold out, between 0 and 1.
        groups: (texts,) further groups that stay on one side.

    Returns:
        Rows kept and rows held out, both rising.
    """
    n_held_out = min(round(share * len(texts)), len(texts) - 1)
    held_out: list[int] = []
    members = _members(texts, groups)
    for rows in sorted(members, key=lambda rows: min(times[row] for row in rows), reverse=True):
        if len(held_out) + len(rows) > n_held_out:
            break
        held_out += rows
    return _kept_and_held_out(len(texts), held_out)


def folds(
    texts: Sequence[str], strata: Strata, count: int, seed: int, groups: Groups | None = None
) -> list[tuple[Rows, Rows]]:
    """Split rows into folds for cross-validation.

    Every fold has about the same share of each stratum. Equal texts and rows of a group are in one fold.

    Args:
        texts: The texts.
        strata: (texts,) the stratum of each, such as its label.
        count: How many folds, 2 or more.
        seed: Seed of the split.
        groups: (texts,) further groups that stay in one fold.

    Returns:
        For each fold the rows to train on and the rows to evaluate on. Each row is evaluated on once.
    """
    random = np.random.default_rng((seed, 3))
    fold_of_row = np.zeros(len(texts), np.int64)
    in_fold = [0] * count
    for groups_of_stratum in _groups_by_stratum(texts, strata, groups):
        of_stratum = [0] * count
        shuffled = [groups_of_stratum[index] for index in random.permutation(len(groups_of_stratum))]
        for rows in sorted(shuffled, key=len, reverse=True):
            fold = min(range(count), key=lambda fold: (of_stratum[fold], in_fold[fold]))
            fold_of_row[rows] = fold
            of_stratum[fold] += len(rows)
            in_fold[fold] += len(rows)
    return [(np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold)) for fold in range(count)]


def _members(texts: Sequence[str], groups: Groups | None) -> list[list[int]]:
    """The rows of each group, in the order of their first rows."""
    equal = groups_by_text(texts)
    group_of_row = equal if groups is None else merge_groups([equal, groups])
    members: dict[int, list[int]] = {}
    for row, group in enumerate(group_of_row.tolist()):
        members.setdefault(group, []).append(row)
    return list(members.values())


def _groups_by_stratum(texts: Sequence[str], strata: Strata, groups: Groups | None) -> list[list[list[int]]]:
    """The groups of each stratum; a group belongs to the stratum of its first row."""
    by_stratum: dict[Label, list[list[int]]] = {}
    for rows in _members(texts, groups):
        by_stratum.setdefault(strata[rows[0]], []).append(rows)
    return [by_stratum[stratum] for stratum in sorted(by_stratum)]


def _kept_and_held_out(n_rows: int, rows: list[int]) -> tuple[Rows, Rows]:
    held_out = np.zeros(n_rows, bool)
    held_out[rows] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
