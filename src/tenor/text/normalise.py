"""Texts -> folded characters and their kinds, with the original position of each character.

Folding lower-cases, and replaces full-width and other compatibility forms by the plain form (the single-character part
of Unicode NFKC). It makes both apostrophes one, and control characters and all whitespace a plain blank. The kind of a
character says what it does in tokens:

    SEPARATOR  whitespace, punctuation, control characters: ends a token
    WORD       letters, digits, combining marks: a run of them is one token
    ALONE      Chinese and Japanese characters, emoji and other symbols: each is a token

Two steps change the number of characters:

- A letter and the combining marks after it are composed. So both ways to write an accent, a vowel sign or a Korean
  syllable give the same (canonical equivalence, Unicode Standard Annex 15). Ligatures of letters are taken apart.
- Characters that only control how others are drawn are left out: joiners, the soft hyphen, the byte order mark, marks
  of direction, variation selectors. They never end a word (rule WB4 of Unicode Standard Annex 29). The zero-width space
  is kept, as a blank: it stands between words.
"""

import functools
import itertools
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_UNKNOWN, SEPARATOR, WORD, ALONE = 0, 1, 2, 3
_KIND, _JOINS, _EXPANDS, _IGNORED = 3, 4, 8, 16  # bits of an entry: the kind, and changes to the number of characters
APOSTROPHE = ord("'")
_ZERO_WIDTH_SPACE = 0x200B
_LAST_ASCII = 0x7F
_LONG_RUN = 100  # characters that join
_FEW = 0.2  # share of characters that are not ASCII, below which ASCII is folded as bytes

_ALONE_RANGES = (
    (0x2E80, 0x2FDF),  # radicals
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_IGNORED_RANGES = (
    (0xAD, 0xAD),  # soft hyphen
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x180B, 0x180F),
    (0x200C, 0x200F),  # joiners, marks of direction
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xE0000, 0xE0FFF),
)
_COMPOSING_RANGES = (range(0xA0, 0x3100), range(0x10000, 0x18000))  # of characters that composing makes
_JAMO = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))  # what follows the first consonant of a Korean syllable

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Characters = Codes
Kinds = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

# A character's entry is filled when the character first occurs; before that it is _UNKNOWN. Filling it twice is
# harmless, so threads need no lock.
_folded = np.zeros(0x110000, np.uint32)
_entries = np.zeros(0x110000, np.uint8)


class Folded(NamedTuple):
    """A folded text.

    Attributes:
        characters: (characters,) code points; bytes if the text is ASCII.
        kinds: (characters,) SEPARATOR, WORD or ALONE.
        origin: (characters + 1,) the original position of each character, rising, and at last the length of the text;
            None if nothing moved. Characters that were left out belong to the one before them.
    """

    characters: Characters
    kinds: Kinds
    origin: Positions | None

    def begin(self, indices: Positions) -> Positions:
        """The original positions where the characters with these indices begin."""
        return indices if self.origin is None else self.origin[indices]

    def end(self, indices: Positions) -> Positions:
        """The original positions where the characters before these indices end."""
        if self.origin is None or not len(indices):
            return indices
        return self.origin[np.searchsorted(self.origin, self.origin[indices - 1], side="right")]

    def locate(self, positions: Positions) -> Positions:
        """The index of the first character from each original position, or from after it."""
        return positions if self.origin is None else np.searchsorted(self.origin, positions)

    def text(self) -> str:
        """The folded text. Half of a surrogate pair is kept."""
        return _decode(self.characters)


def fold(text: str) -> Folded:
    """Fold a text, or several with newlines between them. Newlines are kept, and HTML line breaks become blanks."""
    text = _blank_line_breaks(text)
    if text.isascii():
        return Folded(*_fold_ascii(text.encode("ascii")), None)
    codes = encode(text)
    others = np.flatnonzero(codes > _LAST_ASCII)
    if len(others) < len(codes) * _FEW:  # English with a few accents: bytes are folded several times as fast
        ascii_characters, entries = _fold_ascii(codes.astype(np.uint8).tobytes())
        characters = ascii_characters.astype(np.uint32)
        entries[others] = _look_up(codes[others])
        characters[others] = _folded[codes[others]]
    else:
        entries = _look_up(codes)
        characters = _folded[codes]
    if entries.max() <= _KIND:
        return Folded(characters, entries, None)
    kept = np.flatnonzero(entries < _IGNORED)
    composed, origin = _compose(codes[kept], entries[kept])
    kinds = _look_up(composed) & np.uint8(_KIND)
    return Folded(_folded[composed], kinds, np.append(kept[origin], len(text)))


def _fold_ascii(data: bytes) -> tuple[npt.NDArray[np.uint8], Kinds]:
    """Folded characters and kinds of ASCII, (bytes,) each. Both are 0 for a byte that is not ASCII."""
    characters, kinds = _ascii_tables()
    return np.frombuffer(data.translate(characters), np.uint8), np.frombuffer(
        bytearray(data.translate(kinds)), np.uint8
    )


@functools.cache
def _ascii_tables() -> tuple[bytes, bytes]:
    """The folded character and the kind of each byte; 0 if it is not ASCII."""
    characters, kinds = zip(*map(_fold_character, range(_LAST_ASCII + 1)), strict=True)
    return bytes(characters).ljust(256, b"\0"), bytes(kinds).ljust(256, b"\0")


def encode(text: str) -> Codes:
    """(characters,) the text as bytes if it is ASCII, else as code points."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _decode(codes: Codes) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _blank_line_breaks(text: str) -> str:
    if "<br" in text:
        for tag in ("<br />", "<br/>", "<br>"):
            text = text.replace(tag, " " * len(tag))
    return text


def _compose(codes: Codes, entries: Kinds) -> tuple[Codes, Positions]:
    """Compose characters with those after them that join, and take ligatures apart.

    Returns:
        The code points, and the position that each comes from.
    """
    heads = np.flatnonzero(entries & _JOINS == 0)
    tails = np.append(heads[1:], len(codes))
    chosen = (tails - heads > 1) | (entries[heads] & _EXPANDS > 0)
    text, at, parts = _decode(codes), 0, []
    lengths = np.ones(len(codes), np.int64)
    for head, tail in zip(heads[chosen].tolist(), tails[chosen].tolist(), strict=True):
        run = _normalise(text[head:tail])
        if run != text[head:tail]:
            parts += [text[at:head], run]
            lengths[head:tail] = 0
            lengths[head] = len(run)
            at = tail
    return encode("".join([*parts, text[at:]])), np.repeat(np.arange(len(codes)), lengths)


def _normalise(run: str) -> str:
    """A run in the form NFKC. In a long run the marks are put in canonical order first.

    `unicodedata` takes a time that grows with the square of the marks that are out of order.
    """
    if len(run) > _LONG_RUN:
        plain = "".join(unicodedata.normalize("NFKD", character) for character in run)
        groups = itertools.groupby(plain, lambda character: unicodedata.combining(character) > 0)
        run = "".join(itertools.chain.from_iterable(sorted(group, key=unicodedata.combining) for _, group in groups))
    return unicodedata.normalize("NFKC", run)


def _look_up(codes: Codes) -> Kinds:
    """(characters,) the entries of characters in the table. New characters are added to it."""
    entries = _entries[codes]
    if not entries.all():
        for code in np.unique(codes[entries == _UNKNOWN]).tolist():
            _folded[code], _entries[code] = _fold_character(code)
        entries = _entries[codes]
    return entries


def _fold_character(code: int) -> tuple[int, int]:
    """The folded code point of a character, and its entry."""
    if any(first <= code <= last for first, last in _IGNORED_RANGES):
        return code, SEPARATOR | _IGNORED
    character = chr(code)
    plain = unicodedata.normalize("NFKC", character)
    changes = 0
    if code >= 0x300 and (unicodedata.combining(plain[0]) or plain[0] in _composing()):
        changes = _JOINS
    elif len(plain) > 1 and _is_ligature(character, plain):
        changes = _EXPANDS
    plain = plain if len(plain) == 1 else character
    if plain in ("'", "\u2019"):
        return APOSTROPHE, WORD
    lower = plain.lower()
    plain = lower if len(lower) == 1 else plain
    category = unicodedata.category(plain)
    if plain != "\n" and (category in ("Cc", "Zs", "Zl", "Zp") or code == _ZERO_WIDTH_SPACE):
        plain, category = " ", "Zs"
    if any(first <= ord(plain) <= last for first, last in _ALONE_RANGES):
        kind = ALONE if category[0] == "L" else SEPARATOR
    elif category[0] in "LNM" or plain == "_":
        kind = WORD
    else:
        kind = ALONE if category in ("So", "Sk") and ord(plain) > 0x7F else SEPARATOR
    return ord(plain), kind | changes


def _is_ligature(character: str, parts: str) -> bool:
    """Whether a character is several letters in one, such as ﬁ, or canonically composed; ™ and ½ are neither."""
    categories = [unicodedata.category(one)[0] for one in character + parts]
    return unicodedata.decomposition(character)[:1] not in ("", "<") or (
        categories[:2] == ["L", "L"] and all(category in "LM" for category in categories)
    )


@functools.cache
def _composing() -> frozenset[str]:
    """The characters that may compose with the character before them."""
    pairs = (unicodedata.decomposition(chr(code)).split() for codes in _COMPOSING_RANGES for code in codes)
    second = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and pair[0][0] != "<"}
    return frozenset(second | {chr(code) for codes in _JAMO for code in codes})
