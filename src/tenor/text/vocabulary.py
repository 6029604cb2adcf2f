"""The most frequent tokens of a corpus, and the way from texts to their ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.records import Record, RecordError
from tenor._core.threads import parallel_map
from tenor.data.text_source import text_source
from tenor.text import encoded, normalise
from tenor.text.encoded import Encoded, Ids, Spans, Truncation
from tenor.text.tokenise import MAX_TOKEN_CHARACTERS, Tokens, blocks, tokenise

UNKNOWN = 1
_RESERVED = 2
_MERGED = 1 << 20  # different tokens of each block that are held before they are put together


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by rank: the token `tokens[k]` has id k + 2; id 0 is padding, id 1 any other token."""

    tokens: tuple[str, ...]

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint64], Ids]:
        found = tokenise(self.tokens)
        if not np.diff(found.text_offsets).all():
            raise RecordError("encoder.json", "tokens", "one of them is no token")
        hashes = found.hashes[found.text_offsets[:-1]]
        order = np.argsort(hashes)
        return hashes[order], (order + _RESERVED).astype(np.int32)

    @property
    def size(self) -> int:
        return len(self.tokens) + _RESERVED

    def max_row_length(self, maximum: int) -> int:
        return maximum

    def describe(self) -> dict[str, Any]:
        return {"kind": "vocabulary", "tokens": list(self.tokens)}

    def encode(self, texts: Sequence[str], maximum: int, keep: Truncation) -> Encoded:
        """Turn texts into ids, at most `maximum` in a row, on all cores."""
        parts = parallel_map(lambda block: self._encode(tokenise(block), maximum, keep), blocks(texts))
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def spans(self, text: str, maximum: int, keep: Truncation) -> Spans:
        """The characters of each token that `encode` finds; those of an unknown one too."""
        tokens = tokenise([text])
        positions, _, _ = encoded.truncate(tokens.text_offsets, maximum, keep)
        return Spans(np.arange(len(positions)), tokens.begin[positions], tokens.end[positions])

    def _encode(self, tokens: Tokens, maximum: int, keep: Truncation) -> Encoded:
        positions, first, text = encoded.truncate(tokens.text_offsets, maximum, keep)
        longer = int((np.diff(tokens.text_offsets) > maximum).sum())
        return Encoded(self._look_up(tokens.hashes[positions]), first, text, longer)

    def _look_up(self, hashes: npt.NDArray[np.uint64]) -> Ids:
        known, ids = self._sorted
        if not len(known):
            return np.full(len(hashes), UNKNOWN, np.int32)
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return np.where(known[place] == hashes, ids[place], UNKNOWN).astype(np.int32)


def restore(description: dict[str, Any]) -> Vocabulary:
    """The vocabulary that `Vocabulary.describe` tells of. Raises ValueError where it tells of none."""
    found = Vocabulary(tuple(Record(description, "encoder.json").texts("tokens")))
    found._sorted  # noqa: B018  is made at once, so that damage is found at once
    return found


def build(texts: Sequence[str], size: int) -> Vocabulary:
    """The vocabulary of the `size - 2` most frequent tokens; among equally frequent ones the alphabet decides."""
    parts: list[_Counted] = []
    for part in parallel_map(_count, blocks(texts)):
        parts.append(part)
        if sum(len(each.hashes) for each in parts[1:]) > max(_MERGED, len(parts[0].hashes)):
            parts = [_merge(parts)]
    if not parts:
        return Vocabulary(())
    _, totals, spellings = _merge(parts)
    enough = np.sort(totals)[-min(size - _RESERVED, len(totals))] if len(totals) and size > _RESERVED else 1 << 62
    chosen = np.flatnonzero(totals >= enough)
    tokens = _folded([spellings[index] for index in chosen.tolist()])
    ranked = sorted(zip(-totals[chosen], tokens, strict=True))
    return Vocabulary(tuple(token for _, token in ranked[: size - _RESERVED]))


class _Counted(NamedTuple):
    """Different tokens: the hash of each, how often it occurs, and how it is first spelt."""

    hashes: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int64]
    spellings: list[str]


def _count(block: Sequence[str]) -> _Counted:
    tokens = tokenise(block)
    hashes, first, counts = np.unique(tokens.hashes, return_index=True, return_counts=True)
    spans = zip(tokens.begin[first].tolist(), tokens.end[first].tolist(), strict=True)
    return _Counted(hashes, counts, [tokens.joined[begin:end] for begin, end in spans])


def _merge(parts: list[_Counted]) -> _Counted:
    hashes, first, inverse = np.unique(
        np.concatenate([part.hashes for part in parts]), return_index=True, return_inverse=True
    )
    totals = np.bincount(inverse, np.concatenate([part.counts for part in parts])).astype(np.int64)
    spellings = [spelling for part in parts for spelling in part.spellings]
    return _Counted(hashes, totals, [spellings[position] for position in first.tolist()])


def _folded(tokens: list[str]) -> list[str]:
    folded = normalise.fold("\n".join(tokens)).text()
    return [token[:MAX_TOKEN_CHARACTERS] for token in folded.split("\n")] if tokens else []
