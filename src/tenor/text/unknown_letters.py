"""The letters of texts that a tokenizer does not know: they say whether an encoder can read the texts.

A letter is known if one token has it whole, together with the letters beside it. So these are unknown: letters of
unknown tokens, letters in several tokens (bytes, or parts of a Korean syllable), and single letters cut out of a longer
word. A Chinese character is a word or a part of one, so it is known on its own.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tenor.text import normalise, scripts
from tenor.text.subwords import SubwordTokenizer

_SAMPLE_TEXTS = 200
_CHARACTERS = 300  # of a text
_NO_LIMIT = 1 << 40  # tokens
_BLANK = "▁"  # a token that stands for a blank; it may share its place with a letter

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


def share(tokenizer: SubwordTokenizer, texts: Sequence[str]) -> float:
    """The share of unknown letters among the letters of an even sample of texts, from 0 to 1; without letters 0."""
    every = max(1, len(texts) // _SAMPLE_TEXTS)
    sample = [texts[row][:_CHARACTERS] for row in range(0, len(texts), every)]
    n_letters = n_unknown = 0
    for letters, unknown in _masks(tokenizer, sample):
        n_letters += int(letters.sum())
        n_unknown += int(unknown.sum())
    return n_unknown / n_letters if n_letters else 0.0


def _masks(tokenizer: SubwordTokenizer, texts: Sequence[str]) -> Iterator[tuple[Mask, Mask]]:
    """For each text, its letters and its unknown letters, both (characters,)."""
    encoded = tokenizer.encode(texts, _NO_LIMIT, "end")
    blank, unknown_id = tokenizer.token_id(_BLANK), tokenizer.unknown_id
    for row, text in enumerate(texts):
        spans = tokenizer.spans(text, _NO_LIMIT, "end")
        ids = encoded.ids[encoded.row_offsets[row] :][spans.at]
        is_token = np.ones(len(ids), bool) if blank is None else ids != blank
        begin, end, ids = spans.begin[is_token], spans.end[is_token], ids[is_token]
        letters = np.array([character.isalpha() for character in text], bool)
        before = np.concatenate([[0], letters.cumsum()])
        of_unknown = np.zeros(len(ids), bool) if unknown_id is None else ids == unknown_id
        of_one_letter = before[end] - before[begin] == 1
        beside = np.pad(letters, 1)
        is_han = scripts.script_of(normalise.encode(text)) == scripts.SCRIPTS.index("Han")
        cut_out = (_count(begin, end, of_one_letter, len(text)) > 0) & (beside[:-2] | beside[2:]) & ~is_han
        is_whole = _count(begin, end, np.ones(len(ids), bool), len(text)) == 1
        is_unknown = _count(begin, end, of_unknown, len(text)) > 0
        yield letters, letters & (~is_whole | is_unknown | cut_out)


def _count(begin: Positions, end: Positions, chosen: Mask, length: int) -> Positions:
    """(length,) how many of the chosen tokens have each character."""
    opened, closed = (np.bincount(each[chosen], minlength=length + 1) for each in (begin, end))
    return (opened - closed).cumsum()[:length]
