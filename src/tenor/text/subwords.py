"""Texts -> the subword ids of a pretrained encoder, by the `tokenizers` package from its tokenizer.json.

Special tokens stand where the tokenizer's own template puts them around one text. A text that is too long is cut before
they are added. Special tokens that stand in a text, such as the five letters [SEP], are ordinary text.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tenor.text import encoded
from tenor.text.encoded import PADDING, Encoded, Ids, Keep, Spans

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: no text of Unicode, so the package refuses it
_BLOCK = 512  # texts; the lists of ids of one block are short-lived


@dataclass(frozen=True)
class Subwords:
    """A tokenizer; the id of its padding and id 0 change places, since padding is 0 in all of Tenor.

    Attributes:
        specification: What tokenizer.json holds.
        padding: The tokenizer's id of padding.
    """

    specification: dict[str, Any]
    padding: int
    _tokenizer: Tokenizer = field(init=False, repr=False, compare=False)
    _around: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            tokenizer = Tokenizer.from_str(json.dumps(self.specification))
        except Exception as error:  # the package raises Exception itself
            raise ValueError(f"tokenizer.json cannot be read: {error}") from None
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        object.__setattr__(self, "_tokenizer", tokenizer)
        object.__setattr__(self, "_around", _template(tokenizer))

    @property
    def size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    @property
    def specials(self) -> int:
        """Special tokens in each row."""
        return sum(map(len, self._around))

    def longest(self, maximum: int) -> int:
        return maximum

    def id_of(self, token: str) -> int | None:
        """The id of a token, or None where there is no such token."""
        found = self._tokenizer.token_to_id(token)
        return None if found is None else int(self._swap(np.array([found]))[0])

    def encode(self, texts: Sequence[str], maximum: int, keep: Keep) -> Encoded:
        """Turn texts into ids, at most `maximum` in a row with the special tokens."""
        return encoded.concatenate(
            self._encode(
                [_SURROGATE.sub("\ufffd", text) for text in texts[at : at + _BLOCK]], maximum - self.specials, keep
            )
            for at in range(0, len(texts), _BLOCK)
        )

    def spans(self, text: str, maximum: int, keep: Keep) -> Spans:
        """The characters of each subword; special tokens, and those that stand for nothing but a blank, have none."""
        found = self._tokenizer.encode(_SURROGATE.sub("\ufffd", text), add_special_tokens=False)
        begin, end = np.array(found.offsets, np.int64).reshape(-1, 2).T
        positions, first, _ = encoded.cut(np.array([0, len(begin)]), maximum - self.specials, keep)
        row = np.repeat(np.arange(len(first) - 1), np.diff(first))
        at = np.arange(len(positions)) + row * self.specials + len(self._around[0])
        some = (begin < end)[positions]
        return Spans(at[some], begin[positions][some], end[positions][some])

    def _encode(self, texts: list[str], maximum: int, keep: Keep) -> Encoded:
        found = [row.ids for row in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        ids = np.fromiter((token for row in found for token in row), np.int32, int(lengths.sum()))
        positions, first, text = encoded.cut(np.concatenate([[0], lengths]).cumsum(), maximum, keep)
        before, after = (np.array(part, np.int32) for part in self._around)
        around = self.specials * np.arange(len(first))
        with_specials = np.empty(len(positions) + self.specials * len(text), np.int32)
        with_specials[np.arange(len(positions)) + np.repeat(around[:-1], np.diff(first)) + len(before)] = ids[positions]
        begin, end = (first + around)[:-1, None], (first + around)[1:, None]
        with_specials[begin + np.arange(len(before))] = before
        with_specials[end - len(after) + np.arange(len(after))] = after
        return Encoded(self._swap(with_specials), first + around, text, int((lengths > maximum).sum()))

    def _swap(self, ids: Ids) -> Ids:
        if self.padding == PADDING:
            return ids
        return np.where(ids == self.padding, PADDING, np.where(ids == PADDING, self.padding, ids)).astype(np.int32)

    def describe(self) -> dict[str, Any]:
        return {"kind": "subwords", "padding": self.padding, "tokenizer": self.specification}

    def __reduce__(self) -> tuple[Any, ...]:
        return Subwords, (self.specification, self.padding)


def restore(description: dict[str, Any]) -> Subwords:
    """The tokenizer that `Subwords.describe` tells of. Raises ValueError where it cannot be read."""
    return Subwords(description["tokenizer"], int(description["padding"]))


def _template(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Ids of the special tokens that the tokenizer puts before and after a text."""
    ids, kinds = (lambda row: (row.ids, row.special_tokens_mask))(tokenizer.encode("a"))
    inside = [index for index, special in enumerate(kinds) if not special]
    if not inside:
        raise ValueError("the tokenizer makes no token of the text 'a'")
    return ids[: inside[0]], ids[inside[-1] + 1 :]
