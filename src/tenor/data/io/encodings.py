"""Recognising the encoding of text: UTF-8, UTF-16 by its mark, or GB18030.

A few Chinese characters in GB18030 may be valid UTF-8 by chance (小说, say), and are then read as UTF-8. Of 250,000
phrases from Chinese reviews none with more than six characters was.
"""

import codecs
import contextlib
import re

_PUNCTUATION = "“”‘’—…·"  # of Chinese, outside its blocks
_MIN_DISTINCT = 16  # characters; fewer do not tell Korean from Chinese
_MIN_CHARACTERS = 8  # fewer can be chance
_BROKEN = re.compile("[\udc80-\udcff]")  # invalid UTF-8, byte by byte
_FOREIGN = re.compile("[^\0-\x7f\udc80-\udcff]")

CERTAIN_WEIGHT = 12
"""Valid UTF-8 of this weight is not GB18030 by chance."""


def recognise(head: bytes) -> tuple[str, bool]:
    """The encoding of a file, and whether it is certain; UTF-8 is also the fallback.

    It is UTF-8, with broken bytes, if most characters beyond ASCII are valid UTF-8. It is GB18030 if they read as
    common Chinese, and not rather as Korean or Japanese. Lines in another encoding further on do not count.

    Args:
        head: The first bytes of the file.
    """
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16", True
    utf_8 = codecs.getincrementaldecoder("utf-8")  # it ignores a character that is cut at the end
    with contextlib.suppress(UnicodeDecodeError):
        return "utf-8", not utf_8().decode(head).isascii()
    text = utf_8("surrogateescape").decode(head)
    valid, broken = len(_FOREIGN.findall(text)), len(_BROKEN.findall(text))
    if valid >= max(_MIN_CHARACTERS, 3 * broken):  # GB18030 gives about four broken bytes for a valid character
        return "utf-8", True
    min_characters = 1
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("gb18030")
        min_characters = 1 if error.start >= len(head) - 3 else _MIN_CHARACTERS  # a cut character, or another encoding
    return ("gb18030", True) if is_chinese(text, min_characters) else ("utf-8", valid > broken)


def is_chinese(text: str, min_characters: int = 1) -> bool:
    """Whether a text decoded as GB18030 is common Chinese, with at least `min_characters` beyond ASCII."""
    foreign = [character for character in text if ord(character) > 0x7F]
    common = sum(
        0x3000 <= ord(character) <= 0x9FFF or 0xFF00 <= ord(character) <= 0xFFEF or character in _PUNCTUATION
        for character in foreign
    )
    pairs = sum(_both_high(character) for character in foreign)
    enough = len(foreign) >= min_characters and min(common, pairs) >= 0.9 * len(foreign)
    return enough and not _korean_or_japanese(foreign)


def other_encoding(raw: bytes, encoding: str) -> str | None:
    """The encoding of a line that is not valid in its file's `encoding`; None if it is not clear."""
    other = "gb18030" if encoding == "utf-8" else "utf-8"
    try:
        text = raw.decode(other)
    except UnicodeDecodeError:
        return None
    return other if other == "utf-8" or is_chinese(text, _MIN_CHARACTERS // 2) else None


def weight(raw: bytes) -> int | None:
    """The evidence for UTF-8 in a line: 0 if it is ASCII, None if it is not valid.

    Every unit makes GB18030 five times less likely.
    """
    if raw.isascii():
        return 0
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return sum(
        1 if character < "\u0800" else 3 if character < "\U00010000" else 4 for character in _FOREIGN.findall(text)
    )


def _korean_or_japanese(characters: list[str]) -> bool:
    """Whether characters decoded as GB18030 are rather EUC-KR or EUC-JP, whose bytes are in the same range.

    All syllables of EUC-KR begin with B0 to C8. So do common Chinese characters up to "qu" in pinyin, about two thirds.
    Kana are the same in EUC-JP and GB18030; only the other characters come out wrong.
    """
    kana = sum("\u3041" <= character <= "\u30fe" for character in characters)
    ideographs = [character for character in characters if "\u4e00" <= character <= "\u9fff"]
    late = sum(character.encode("gb18030")[0] > 0xC8 for character in ideographs)
    korean = len(set(ideographs)) >= _MIN_DISTINCT and late < 0.05 * len(ideographs)
    return korean or kana > 0.2 * len(characters)


def _both_high(character: str) -> bool:
    """Whether GB18030 has two bytes above A0 for a character, as EUC encodings have."""
    encoded = character.encode("gb18030")
    return len(encoded) == 2 and min(encoded) >= 0xA1
