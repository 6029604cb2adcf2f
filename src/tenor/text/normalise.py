"""Characters -> folded characters and their kinds, one to one, so that positions in the text never move.

Folding lower-cases, turns full-width and other compatibility forms into the plain one (the single-character part of
Unicode NFKC), and makes both apostrophes one. A kind says how a character takes part in tokens:

    SEPARATOR  blanks, punctuation, control characters: ends a token
    WORD       letters, digits, combining marks: runs of these make one token
    ALONE      Chinese and Japanese characters, emoji and other symbols: each is a token of its own
"""

import unicodedata

import numpy as np
import numpy.typing as npt

_UNKNOWN, SEPARATOR, WORD, ALONE = 0, 1, 2, 3
APOSTROPHE = ord("'")

_ALONE_RANGES = (
    (0x2E80, 0x2FDF),  # radicals
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Folded = npt.NDArray[np.uint32]
Kinds = npt.NDArray[np.uint8]

# Filled for a character when it is first seen: the kind of an unseen one is _UNKNOWN. Filling twice is harmless,
# so threads need no lock.
_folded = np.zeros(0x110000, np.uint32)
_kinds = np.zeros(0x110000, np.uint8)


def encode(text: str) -> Codes:
    """The text as one number a character: bytes where it is ASCII, code points where it is not."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def fold(codes: Codes) -> tuple[Folded, Kinds]:
    """Fold characters and tell their kinds; both results have the shape of `codes`."""
    kinds = _kinds[codes]
    if not kinds.all():
        for code in np.unique(codes[kinds == _UNKNOWN]).tolist():
            _folded[code], _kinds[code] = _fold_character(code)
        kinds = _kinds[codes]
    return _folded[codes], kinds


def _fold_character(code: int) -> tuple[int, int]:
    character = chr(code)
    plain = unicodedata.normalize("NFKC", character)
    plain = plain if len(plain) == 1 else character
    if plain in ("'", "\u2019"):
        return APOSTROPHE, WORD
    lower = plain.lower()
    plain = lower if len(lower) == 1 else plain
    category = unicodedata.category(plain)
    if any(first <= ord(plain) <= last for first, last in _ALONE_RANGES):
        kind = ALONE if category[0] == "L" else SEPARATOR
    elif 0xFE00 <= code <= 0xFE0F:  # variation selectors choose a drawing, not a meaning
        kind = SEPARATOR
    elif category[0] in "LNM" or plain == "_":
        kind = WORD
    else:
        kind = ALONE if category in ("So", "Sk") and ord(plain) > 0x7F else SEPARATOR
    return ord(plain), kind
