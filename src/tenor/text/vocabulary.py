"""The most frequent tokens of a corpus, and the way from texts to their ids."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.text import normalise
from tenor.text.tokenise import LONGEST, Tokens, blocks, tokenise
from tenor.threads import cores

PADDING, UNKNOWN = 0, 1
_RESERVED = 2

Ids = npt.NDArray[np.int32]


class Encoded(NamedTuple):
    """Texts as ids: those of text i are `ids[first[i]:first[i + 1]]`.

    Attributes:
        ids: (tokens,) int32.
        first: (texts + 1,) int64.
        cut: How many texts were longer than the maximum.
    """

    ids: Ids
    first: npt.NDArray[np.int64]
    cut: int

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.diff(self.first)

    def pad(self, rows: npt.NDArray[np.int64], width: int) -> Ids:
        """Ids of the chosen rows as (rows, width), padded on the right with 0."""
        column = np.arange(width)
        inside = column < self.lengths[rows][:, None]
        padded = np.zeros((len(rows), width), np.int32)
        padded[inside] = self.ids[(self.first[rows][:, None] + column)[inside]]
        return padded


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by rank: the token `tokens[k]` has id k + 2; id 0 is padding, id 1 any other token."""

    tokens: tuple[str, ...]

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint64], Ids]:
        found = tokenise(self.tokens)
        hashes = found.hashes[found.first[:-1]]
        order = np.argsort(hashes)
        return hashes[order], (order + _RESERVED).astype(np.int32)

    def encode(self, texts: Sequence[str], maximum: int, keep: Literal["end", "start"]) -> Encoded:
        """Turn texts into ids, cutting each to its first or last `maximum` tokens, on all cores."""
        with ThreadPoolExecutor(cores()) as pool:
            parts = list(pool.map(lambda block: self._encode(tokenise(block), maximum, keep), blocks(texts)))
        if not parts:
            return Encoded(np.zeros(0, np.int32), np.zeros(1, np.int64), 0)
        first = np.concatenate([[0], *[part.lengths for part in parts]]).cumsum()
        return Encoded(np.concatenate([part.ids for part in parts]), first, sum(part.cut for part in parts))

    def _encode(self, tokens: Tokens, maximum: int, keep: str) -> Encoded:
        lengths = np.diff(tokens.first)
        kept = np.minimum(lengths, maximum)
        first = np.concatenate([[0], kept]).cumsum()
        begin = tokens.first[:-1] if keep == "start" else tokens.first[1:] - kept
        hashes = tokens.hashes[np.arange(first[-1]) + np.repeat(begin - first[:-1], kept)]
        return Encoded(self._look_up(hashes), first, int((lengths > maximum).sum()))

    def _look_up(self, hashes: npt.NDArray[np.uint64]) -> Ids:
        known, ids = self._sorted
        if not len(known):
            return np.full(len(hashes), UNKNOWN, np.int32)
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return np.where(known[place] == hashes, ids[place], UNKNOWN).astype(np.int32)


def build(texts: Sequence[str], size: int) -> Vocabulary:
    """The vocabulary of the `size - 2` most frequent tokens; among equally frequent ones the alphabet decides."""
    with ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(_count, blocks(texts)))
    if not parts:
        return Vocabulary(())
    hashes = np.concatenate([part[0] for part in parts])
    counts = np.concatenate([part[1] for part in parts])
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    totals = np.bincount(inverse, counts).astype(np.int64)
    enough = np.sort(totals)[-min(size - _RESERVED, len(totals))] if len(totals) and size > _RESERVED else 1 << 62
    chosen = np.flatnonzero(totals >= enough)
    tokens = _spell(parts, first[chosen])
    ranked = sorted(zip(-totals[chosen], tokens, strict=True))
    return Vocabulary(tuple(token for _, token in ranked[: size - _RESERVED]))


def _count(block: Sequence[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], list[str]]:
    tokens = tokenise(block)
    hashes, first, counts = np.unique(tokens.hashes, return_index=True, return_counts=True)
    spans = zip(tokens.begin[first].tolist(), tokens.end[first].tolist(), strict=True)
    return hashes, counts, [tokens.joined[begin : min(end, begin + LONGEST)] for begin, end in spans]


def _spell(parts: list[tuple[Any, Any, list[str]]], positions: npt.NDArray[np.int64]) -> list[str]:
    spellings = [spelling for part in parts for spelling in part[2]]
    joined = "\n".join(spellings[position] for position in positions.tolist())
    folded, _ = normalise.fold(normalise.encode(joined))
    text = folded.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    return text.split("\n") if len(positions) else []
