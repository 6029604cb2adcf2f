"""Texts -> ids of their words, by a vocabulary of the most frequent tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor._core.threads import parallel_map
from tenor.data.text_source import text_source
from tenor.text import encoded, normalise
from tenor.text.encoded import Encoded, Ids, Spans, Truncation
from tenor.text.tokenise import MAX_TOKEN_CHARACTERS, Tokens, blocks, tokenise

UNKNOWN = 1
_RESERVED = 2
_MAX_UNMERGED = 1 << 20  # distinct tokens of blocks that are held before they are merged


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary. The token `tokens[k]` has the id k + 2; the id 0 is padding, and 1 is any other token.

    Attributes:
        tokens: The tokens, the most frequent first.
    """

    tokens: tuple[str, ...]

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint64], Ids]:
        """The hashes of the tokens, rising, and the id of each."""
        tokenised = tokenise(self.tokens)
        if not np.diff(tokenised.text_offsets).all():
            raise RecordError("encoder.json", "tokens", tr("one of them is not a token"))
        hashes = tokenised.hashes[tokenised.text_offsets[:-1]]
        order = np.argsort(hashes)
        return hashes[order], (order + _RESERVED).astype(np.int32)

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return len(self.tokens) + _RESERVED

    @property
    def n_special_tokens(self) -> int:
        """None."""
        return 0

    def token_id(self, token: str) -> int | None:
        """The id of a word, or None if it is not in the vocabulary."""
        return self.tokens.index(token) + _RESERVED if token in self.tokens else None

    def max_row_length(self, max_length: int) -> int:
        """`max_length` itself."""
        return max_length

    def to_dict(self) -> JsonObject:
        """The vocabulary as JSON for `encoder.json`."""
        return {"kind": "vocabulary", "tokens": list(self.tokens)}

    def encode(self, texts: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        """Turn texts into ids, at most `max_length` in a row, on all cores."""
        parts = parallel_map(lambda block: self._encode(tokenise(block), max_length, truncation), blocks(texts))
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def spans(self, text: str, max_length: int, truncation: Truncation) -> Spans:
        """The characters of each token in `encode([text], ...)`, also of an unknown one."""
        tokens = tokenise([text])
        positions, _, _ = encoded.truncate(tokens.text_offsets, max_length, truncation)
        return Spans(np.arange(len(positions)), tokens.begin[positions], tokens.end[positions])

    def _encode(self, tokens: Tokens, max_length: int, truncation: Truncation) -> Encoded:
        positions, row_offsets, row_to_text = encoded.truncate(tokens.text_offsets, max_length, truncation)
        n_truncated = int((np.diff(tokens.text_offsets) > max_length).sum())
        return Encoded(self._look_up(tokens.hashes[positions]), row_offsets, row_to_text, n_truncated)

    def _look_up(self, hashes: npt.NDArray[np.uint64]) -> Ids:
        known, ids = self._sorted
        if not len(known):
            return np.full(len(hashes), UNKNOWN, np.int32)
        position = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return np.where(known[position] == hashes, ids[position], UNKNOWN).astype(np.int32)


def restore(description: JsonObject) -> Vocabulary:
    """The vocabulary of `Vocabulary.to_dict`. Raises ValueError if there is none."""
    vocabulary = Vocabulary(tuple(Record(description, "encoder.json").strings("tokens")))
    vocabulary._sorted  # noqa: B018  computed at once, so that damage is found here
    return vocabulary


def build(texts: Sequence[str], size: int) -> Vocabulary:
    """The vocabulary of the most frequent tokens of some texts; equally frequent ones are taken in alphabetical order.

    Args:
        texts: The texts.
        size: Ids at most: two more than the tokens.
    """
    parts: list[_Counted] = []
    for part in parallel_map(_count, blocks(texts)):
        parts.append(part)
        if sum(len(each.hashes) for each in parts[1:]) > max(_MAX_UNMERGED, len(parts[0].hashes)):
            parts = [_merge(parts)]
    if not parts:
        return Vocabulary(())
    _, totals, spellings = _merge(parts)
    threshold = np.sort(totals)[-min(size - _RESERVED, len(totals))] if len(totals) and size > _RESERVED else 1 << 62
    chosen = np.flatnonzero(totals >= threshold)
    tokens = _folded([spellings[index] for index in chosen.tolist()])
    ranked = sorted(zip(-totals[chosen], tokens, strict=True))
    return Vocabulary(tuple(token for _, token in ranked[: size - _RESERVED]))


class _Counted(NamedTuple):
    """Distinct tokens.

    Attributes:
        hashes: (tokens,) the hash of each.
        counts: (tokens,) how often each occurs.
        spellings: The first spelling of each.
    """

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
