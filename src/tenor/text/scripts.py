"""Texts -> the script that most of their letters are written in, which tells languages apart roughly."""

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
"""Names of the scripts; `none` is that of a text without a letter of any of them."""

_ASCII_LETTER = re.compile("[A-Za-z]")
_CHUNK = 1024


def main_scripts(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Of each text the position in SCRIPTS of the script that most of its letters have, (texts,).

    Japanese has both Kana and Han: a text with at least a tenth of Kana among these is Kana.
    """
    found = np.full(len(texts), len(SCRIPTS) - 1)
    others = []
    for row, text in enumerate(texts):
        if not text.isascii():
            others.append(row)
        elif _ASCII_LETTER.search(text):
            found[row] = 0
    for begin in range(0, len(others), _CHUNK):
        rows = others[begin : begin + _CHUNK]
        codes = normalise.encode("".join(texts[row] for row in rows))
        owner = np.repeat(np.arange(len(rows)), [len(texts[row]) for row in rows])
        cells = np.bincount(owner * len(SCRIPTS) + _table()[codes], minlength=len(rows) * len(SCRIPTS))
        letters = cells.reshape(len(rows), -1)[:, :-1]
        han, kana = SCRIPTS.index("Han"), SCRIPTS.index("Kana")
        japanese = letters[:, kana] * 10 >= np.maximum(letters[:, kana] + letters[:, han], 1)
        letters[japanese, kana] += letters[japanese, han]
        letters[japanese, han] = 0
        found[rows] = np.where(letters.any(axis=1), letters.argmax(axis=1), len(SCRIPTS) - 1)
    return found


@functools.cache
def _table() -> npt.NDArray[np.uint8]:
    """Code point -> position in SCRIPTS."""
    table = np.full(0x110000, len(SCRIPTS) - 1, np.uint8)
    for position, ranges in enumerate(_RANGES.values()):
        for first, last in ranges:
            table[first : last + 1] = position
    return table
