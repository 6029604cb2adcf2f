"""Parting a dataset: seeded, stratified, by groups of rows that belong together, or by time."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor.data.blocks import BLOCK_ROWS, Hashes, Rows, remix, row_blocks

Strata = Sequence[Any] | npt.NDArray[Any]
MAX_HELD_OUT = 100_000
"""Of texts on disk, no more rows than these are held out: a share of so many is certain to 0.3 points."""

Groups = npt.NDArray[np.int64]
"""(rows,) the number of each row's group; rows of one group stand on one side of every parting."""


def groups_by_value(values: Iterable[Hashable]) -> Groups:
    """Rows with the same value are a group; each row without one (None, or an empty string) is alone."""
    numbers: dict[Hashable, int] = {}
    keys = ((row,) if value is None or value == "" else value for row, value in enumerate(values))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def groups_by_text(texts: Sequence[str]) -> Groups:
    """Texts that are equal but for blanks around them are a group."""
    return groups_by_value(text.strip() or " " for text in texts)


def merge_groups(groupings: Sequence[Groups]) -> Groups:
    """Rows that are linked through any of several groupings are a group."""
    rows = len(groupings[0])
    offset, links = rows, []
    for groups in groupings:
        links.append(groups + offset)
        offset += int(groups.max(initial=-1)) + 1
    row = np.tile(np.arange(rows), len(groupings))
    from scipy.sparse import coo_matrix  # here, as predictions do without
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(row), bool), (row, np.concatenate(links))), shape=(offset, offset))
    return np.asarray(connected_components(graph, directed=False)[1][:rows], np.int64)


def hold_out(
    texts: Sequence[str],
    strata: Sequence[Any] | npt.NDArray[Any],
    share: float,
    seed: int,
    groups: Groups | None = None,
) -> tuple[Rows, Rows]:
    """Part rows into those kept and those held out.

    Texts that are equal but for blanks around them never stand on both sides, nor do rows of a group, and each
    stratum gives about `share` of its rows; one too small for that gives none. None is held out whole.

    Texts on disk are drawn by their hashes, which takes the same memory for any number of them: strata get their shares
    by chance, and at most about MAX_HELD_OUT rows are held out.

    Args:
        texts: The texts.
        strata: Group of like texts that each belongs to, such as its label.
        share: Share to hold out, between 0 and 1.
        seed: Seed of the draw.
        groups: Rows that belong together besides.

    Returns:
        Rows kept and rows held out, both rising.
    """
    random = np.random.default_rng((seed, 2))
    out: list[int] = []
    for members in _by_stratum(texts, strata, groups):
        rows_of_stratum = sum(map(len, members))
        wanted = min(round(share * rows_of_stratum), rows_of_stratum - 1)
        for index in random.permutation(len(members)):
            if wanted <= 0:
                break
            if len(members[index]) <= wanted:
                out += members[index]
                wanted -= len(members[index])
    return _parted(len(texts), out)


def hold_out_by_hash(hashes: Hashes, strata: npt.NDArray[Any], share: float, seed: int) -> tuple[Rows, Rows]:
    """`hold_out`: by a seeded hash of each text's hash, so that equal texts are drawn together."""
    most = int(strata.max(initial=-1)) + 1
    held_out = draw_by_hash(hashes, capped_share(share, len(hashes)), seed)
    whole = np.flatnonzero(kept_per_stratum(held_out, strata, most) == 0)
    back = hashes_to_return(held_out, strata, hashes, whole)
    return split_rows(held_out, hashes, back)


def capped_share(share: float, rows: int) -> float:
    """The share of so many rows on disk that is held out where `share` is asked for."""
    return min(share, MAX_HELD_OUT / max(rows, 1))


def draw_by_hash(hashes: Hashes, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """(texts,) which texts a draw by their hashes holds out; on disk."""
    salt = remix(np.array([seed], np.uint64))
    limit = np.uint64(int(share * (1 << 64)))
    held_out = disk_arrays.zeros(hashes.shape, bool)
    for at in range(0, len(hashes), BLOCK_ROWS):
        run = slice(at, at + BLOCK_ROWS)
        held_out[run] = remix(hashes[run] ^ salt) < limit
    disk_arrays.drop_pages(hashes)
    return held_out


def kept_per_stratum(held_out: npt.NDArray[np.bool_], strata: npt.NDArray[Any], most: int) -> Rows:
    """(most,) how many rows of each stratum are kept."""
    kept = np.zeros(most, np.int64)
    for at in range(0, len(strata), BLOCK_ROWS):
        run = slice(at, at + BLOCK_ROWS)
        kept += np.bincount(strata[run][~held_out[run]], minlength=most)
    disk_arrays.drop_pages(strata)
    return kept


def hashes_to_return(
    held_out: npt.NDArray[np.bool_], strata: npt.NDArray[Any], hashes: Hashes, whole: npt.NDArray[Any]
) -> Hashes:
    """Hashes of the texts held out whose stratum is among `whole`, those that would be held out whole."""
    rows = np.flatnonzero(held_out)
    return hashes[rows[np.isin(strata[rows], whole)]]


def split_rows(held_out: npt.NDArray[np.bool_], hashes: Hashes, back: Hashes) -> tuple[Rows, Rows]:
    """Rows kept, on disk, and rows held out, but for those whose hashes are among `back`: equal texts go together."""
    if len(back):
        rows = np.flatnonzero(held_out)
        held_out[rows[np.isin(hashes[rows], back)]] = False
    kept = disk_arrays.store((at + np.flatnonzero(~part) for at, part in _numbered(held_out)), np.int64)
    return kept, np.flatnonzero(held_out)


def _numbered(values: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Runs of rows, each with the number of its first row."""
    at = 0
    for part in row_blocks(values):
        yield at, part
        at += len(part)


def hold_out_latest(
    texts: Sequence[str], times: Sequence[float], share: float, groups: Groups | None = None
) -> tuple[Rows, Rows]:
    """Part rows into the earlier ones, which are kept, and the latest, which are held out.

    A group of rows, or of equal texts, goes where its earliest row goes: what is held out is new at its time.

    Args:
        texts: The texts.
        times: The time of each, as a number that rises.
        share: Share to hold out, between 0 and 1.
        groups: Rows that belong together besides.

    Returns:
        Rows kept and rows held out, both rising.
    """
    wanted = min(round(share * len(texts)), len(texts) - 1)
    out: list[int] = []
    members = _members(texts, groups)
    for rows in sorted(members, key=lambda rows: min(times[row] for row in rows), reverse=True):
        if len(out) + len(rows) > wanted:
            break
        out += rows
    return _parted(len(texts), out)


def folds(
    texts: Sequence[str], strata: Strata, count: int, seed: int, groups: Groups | None = None
) -> list[tuple[Rows, Rows]]:
    """Part rows `count` times into those to learn from and those to measure on; each row is measured on once.

    Every fold has about the same share of each stratum. Equal texts and rows of a group are in one fold.

    Args:
        texts: The texts.
        strata: Group of like texts that each belongs to, such as its label.
        count: How many folds, 2 or more.
        seed: Seed of the draw.
        groups: Rows that belong together besides.
    """
    random = np.random.default_rng((seed, 3))
    fold_of = np.zeros(len(texts), np.int64)
    total = [0] * count
    for members in _by_stratum(texts, strata, groups):
        of_stratum = [0] * count
        drawn = [members[index] for index in random.permutation(len(members))]
        for rows in sorted(drawn, key=len, reverse=True):
            fold = min(range(count), key=lambda fold: (of_stratum[fold], total[fold]))
            fold_of[rows] = fold
            of_stratum[fold] += len(rows)
            total[fold] += len(rows)
    return [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(count)]


def _members(texts: Sequence[str], groups: Groups | None) -> list[list[int]]:
    """The rows of each group, in the order of their first rows."""
    equal = groups_by_text(texts)
    number_of = equal if groups is None else merge_groups([equal, groups])
    members: dict[int, list[int]] = {}
    for row, number in enumerate(number_of.tolist()):
        members.setdefault(number, []).append(row)
    return list(members.values())


def _by_stratum(texts: Sequence[str], strata: Strata, groups: Groups | None) -> list[list[list[int]]]:
    """The groups of each stratum; a group counts for that of its first row."""
    by_stratum: dict[Any, list[list[int]]] = {}
    for rows in _members(texts, groups):
        by_stratum.setdefault(strata[rows[0]], []).append(rows)
    return [by_stratum[stratum] for stratum in sorted(by_stratum)]


def _parted(rows: int, out: list[int]) -> tuple[Rows, Rows]:
    held_out = np.zeros(rows, bool)
    held_out[out] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
