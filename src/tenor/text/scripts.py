"""Texts -> the script of most of their letters, a rough sign of the language."""

import functools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tenor.text import normalise

_RANGES = {
    "Latin": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A)),
    "Han": (
        (0x2E80, 0x2FDF),
        (0x3005, 0x3007),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3FFFF),
    ),
    "Kana": ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "Hangul": ((0x1100, 0x11FF), (0x3131, 0x318E), (0xAC00, 0xD7A3)),
    "Cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F)),
    "Greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)),
    "Hebrew": ((0x590, 0x5FF), (0xFB1D, 0xFB4F)),
    "Devanagari": ((0x900, 0x97F),),
    "Bengali": ((0x980, 0x9FF),),
    "Tamil": ((0xB80, 0xBFF),),
    "Thai": ((0xE00, 0xE7F),),
    "Lao": ((0xE80, 0xEFF),),
    "Khmer": ((0x1780, 0x17FF), (0x19E0, 0x19FF)),
    "Myanmar": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
}
SCRIPTS = (*_RANGES, "none")
"""Names of the scripts; `none` is for a text without a letter of any of them."""

UNSPACED = ("Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar")
"""Scripts that write words without spaces between them."""

_ASCII_LETTER = re.compile("[A-Za-z]")
_BLOCK_TEXTS = 1024


def main_scripts(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The script of most letters of each text.

    Japanese uses both Kana and Han. A text counts as Kana if these are at least a tenth of the two.

    Returns:
        (texts,) positions in SCRIPTS.
    """
    result = np.full(len(texts), len(SCRIPTS) - 1)
    not_ascii = []
    for row, text in enumerate(texts):
        if not text.isascii():
            not_ascii.append(row)
        elif _ASCII_LETTER.search(text):
            result[row] = 0
    for begin in range(0, len(not_ascii), _BLOCK_TEXTS):
        rows = not_ascii[begin : begin + _BLOCK_TEXTS]
        result[rows] = _block_scripts([texts[row] for row in rows])
    return result


def mostly_in(texts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether more than half of the texts are in one of the scripts `names`."""
    return bool(np.isin(main_scripts(texts), [SCRIPTS.index(name) for name in names]).mean() > 0.5)


def most_common(texts: Sequence[str]) -> str:
    """The script of most texts, one of SCRIPTS; `none` for no texts."""
    counts = np.bincount(main_scripts(texts), minlength=len(SCRIPTS))
    return SCRIPTS[int(counts.argmax())] if len(texts) else SCRIPTS[-1]


def script_of(codes: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """The position in SCRIPTS of each code point."""
    positions: npt.NDArray[np.uint8] = _table()[codes]
    return positions


def _block_scripts(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """`main_scripts` of a block of texts, from the number of letters of each script in each text."""
    codes = normalise.encode("".join(texts))
    owner = np.repeat(np.arange(len(texts)), list(map(len, texts)))
    cells = np.bincount(owner * len(SCRIPTS) + _table()[codes], minlength=len(texts) * len(SCRIPTS))
    letters = cells.reshape(len(texts), -1)[:, :-1]
    han, kana = SCRIPTS.index("Han"), SCRIPTS.index("Kana")
    japanese = letters[:, kana] * 10 >= np.maximum(letters[:, kana] + letters[:, han], 1)
    letters[japanese, kana] += letters[japanese, han]
    letters[japanese, han] = 0
    return np.where(letters.any(axis=1), letters.argmax(axis=1), len(SCRIPTS) - 1)


@functools.cache
def _table() -> npt.NDArray[np.uint8]:
    """Code point -> position in SCRIPTS."""
    table = np.full(0x110000, len(SCRIPTS) - 1, np.uint8)
    for position, ranges in enumerate(_RANGES.values()):
        for first, last in ranges:
            table[first : last + 1] = position
    return table
