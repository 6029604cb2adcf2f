"""Texts -> tokens, for many texts at once and without a Python loop over tokens.

The texts of a block are joined into one array of characters. A token is a run of WORD characters, or one ALONE
character (see `normalise`). An apostrophe counts only between two letters. Each token has a 64-bit polynomial hash of
its folded characters (Karp and Rabin, 1987). One cumulative sum gives the hashes of all tokens: let S[i] be the sum of
c[j] * P^j over j < i, modulo 2^64. Then the hash of the token [b, e) is (S[e] - S[b]) * P^-b, wherever it occurs.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.text import normalise
from tenor.text.normalise import ALONE, APOSTROPHE, SEPARATOR, WORD

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]

BLOCK_CHARACTERS = 1 << 17
"""Characters in a block of texts, about, so that it stays in the cache."""
BLOCK_TEXTS = 1024
"""Texts in a block, at most."""
MAX_TOKEN_CHARACTERS = 256
"""Characters of a token that its hash covers."""

_P = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2^64
_WINDOW = 1 << 18


class Tokens(NamedTuple):
    """The tokens, or the characters, of a block of texts.

    Attributes:
        hashes: (tokens,) 64-bit hash of each token.
        text_offsets: (texts + 1,) the tokens of text i are `hashes[text_offsets[i]:text_offsets[i + 1]]`.
        begin: (tokens,) position of the token's first character in the joined block.
        end: (tokens,) position after its last character.
        joined: The texts of the block, with newlines between them.
        text_starts: (texts + 1,) position of each text in `joined`.
    """

    hashes: Hashes
    text_offsets: Positions
    begin: Positions
    end: Positions
    joined: str
    text_starts: Positions


def blocks(texts: Sequence[str], max_texts: int = BLOCK_TEXTS) -> Iterator[Sequence[str]]:
    """The texts in blocks of at most `max_texts` texts and about BLOCK_CHARACTERS characters."""
    begin = size = 0
    for index, text in enumerate(texts):
        size += len(text)
        if size >= BLOCK_CHARACTERS or index + 1 - begin == max_texts:
            yield texts[begin : index + 1]
            begin, size = index + 1, 0
    if begin < len(texts):
        yield texts[begin:]


def tokenise(texts: Sequence[str]) -> Tokens:
    """Find and hash the tokens of a block of texts. An empty text has no tokens."""
    joined = "\n".join(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    start = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths + 1, out=start[1:])
    folded = normalise.fold(joined)
    begin, end = _boundaries(folded.characters, folded.kinds)
    hashes = _hash(folded.characters, begin, end)
    begin, end = folded.begin(begin), folded.end(end)
    return Tokens(hashes, np.searchsorted(begin, start), begin, end, joined, start)


def hash_characters(texts: Sequence[str]) -> Tokens:
    """Hash every character of a block of texts.

    Characters are folded like tokens, and punctuation counts. Several blanks are one blank, and each text gets a blank
    before and after it, so that n-grams of characters show where words begin and end. Text i is
    `joined[text_starts[i] + 1 : text_starts[i + 1] - 1]`.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 2
    start = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=start[1:])
    framed = "".join(f"\n{text}\n" for text in texts)
    folded = normalise.fold(framed)
    blank = folded.characters <= ord(" ")
    kept = np.ones(len(blank), bool)
    kept[1:] = ~(blank[1:] & blank[:-1])
    kept[folded.locate(start[:-1])] = True
    hashes = np.where(blank, np.uint64(ord(" ")), folded.characters.astype(np.uint64))[kept]
    begin = folded.begin(np.flatnonzero(kept))
    end = np.append(begin[1:], len(framed))[: len(begin)]
    return Tokens(mix(hashes * np.uint64(_P)), np.searchsorted(begin, start), begin, end, framed, start)


def mix(hashes: Hashes) -> Hashes:
    """Spread every bit of 64-bit hashes over all bits, by the finaliser of MurmurHash3 (Appleby, 2011)."""
    hashes = hashes ^ (hashes >> np.uint64(33))
    hashes *= np.uint64(0xFF51AFD7ED558CCD)
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xC4CEB9FE1A85EC53)
    hashes ^= hashes >> np.uint64(33)
    return hashes


def _boundaries(folded: normalise.Characters, kinds: normalise.Kinds) -> tuple[Positions, Positions]:
    """(tokens,) where tokens begin, and where they end."""
    if not len(kinds):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    kinds = kinds.copy()
    quotes = np.flatnonzero(folded == APOSTROPHE)
    if len(quotes):
        before, after = quotes - 1, np.minimum(quotes + 1, len(kinds) - 1)  # at the ends, one of them is not a letter
        inside = (quotes > 0) & (kinds[before] == WORD) & (kinds[after] == WORD)
        inside &= (folded[before] != APOSTROPHE) & (folded[after] != APOSTROPHE)
        kinds[quotes[~inside]] = SEPARATOR
    alone = kinds == ALONE
    if not alone.any():
        word = np.zeros(len(kinds) + 2, bool)
        np.equal(kinds, WORD, out=word[1:-1])
        edges = np.flatnonzero(word[1:] != word[:-1])
        return edges[::2], edges[1::2]
    token = kinds != SEPARATOR
    change = kinds[1:] != kinds[:-1]
    opens, closes = token.copy(), token.copy()
    opens[1:] &= change | alone[1:]
    closes[:-1] &= change | alone[:-1]
    return np.flatnonzero(opens), np.flatnonzero(closes) + 1


def _hash(folded: normalise.Characters, begin: Positions, end: Positions) -> Hashes:
    """(tokens,) the hash of each token, window by window."""
    powers, inverses = _powers(_P), _powers(pow(_P, -1, 1 << 64))
    end = np.minimum(end, begin + MAX_TOKEN_CHARACTERS)
    hashes = np.empty(len(begin), np.uint64)
    for origin in range(0, len(folded), _WINDOW):
        chosen = slice(*np.searchsorted(begin, (origin, origin + _WINDOW)))
        window = folded[origin : origin + _WINDOW + MAX_TOKEN_CHARACTERS]
        sums = np.zeros(len(window) + 1, np.uint64)
        sums[1:] = window
        sums[1:] *= powers[: len(window)]
        np.cumsum(sums, out=sums)
        b, e = begin[chosen] - origin, end[chosen] - origin
        hashes[chosen] = (sums[e] - sums[b]) * inverses[b]
    return mix(hashes)


@functools.cache
def _powers(base: int) -> Hashes:
    """base^0, base^1, ... modulo 2^64, as many as a window needs."""
    powers = np.ones(_WINDOW + MAX_TOKEN_CHARACTERS, np.uint64)
    done = 1
    while done < len(powers):
        step = min(done, len(powers) - done)
        powers[done : done + step] = powers[:step] * np.uint64(pow(base, done, 1 << 64))
        done += step
    return powers
