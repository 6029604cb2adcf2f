"""Which encoding bytes of text have: UTF-8, UTF-16 by its mark, or GB18030.

What Chinese takes in GB18030 is valid UTF-8 by chance where there is little of it (小说, say), and then it is taken for
UTF-8. Of 250,000 phrases from Chinese reviews none of more than six characters was.
"""

import codecs
import contextlib
import re

_PUNCTUATION = "“”‘’—…·"  # of Chinese, outside its blocks
_FEWEST_DISTINCT = 16  # characters; fewer do not tell Korean from Chinese
_FEWEST = 8  # characters; fewer can be chance
_BROKEN = re.compile("[\udc80-\udcff]")  # what is no UTF-8, byte by byte
_FOREIGN = re.compile("[^\0-\x7f\udc80-\udcff]")

SURE = 12
"""Text of this weight that is valid UTF-8 is not GB18030 that happens to be."""


def recognise(head: bytes) -> tuple[str, bool]:
    """The encoding of a file that begins with `head`, and whether that is sure, rather than UTF-8 for want of a better.

    Where most characters beyond ASCII are valid UTF-8, it is that, with broken bytes. It is GB18030 where they read as
    common Chinese and not rather as Korean or Japanese; where lines in another encoding follow, these do not count.
    """
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16", True
    utf_8 = codecs.getincrementaldecoder("utf-8")  # which leaves out a character that is cut at the end
    with contextlib.suppress(UnicodeDecodeError):
        return "utf-8", not utf_8().decode(head).isascii()
    text = utf_8("surrogateescape").decode(head)
    valid, broken = len(_FOREIGN.findall(text)), len(_BROKEN.findall(text))
    if valid >= max(_FEWEST, 3 * broken):  # of GB18030 there are about four broken bytes for a character
        return "utf-8", True
    fewest = 1
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("gb18030")
        fewest = 1 if error.start >= len(head) - 3 else _FEWEST  # a cut character, or something else
    return ("gb18030", True) if is_chinese(text, fewest) else ("utf-8", valid > broken)


def is_chinese(text: str, fewest: int = 1) -> bool:
    """Whether a text decoded as GB18030 is common Chinese, with so many characters beyond ASCII at least."""
    foreign = [character for character in text if ord(character) > 0x7F]
    common = sum(
        0x3000 <= ord(character) <= 0x9FFF or 0xFF00 <= ord(character) <= 0xFFEF or character in _PUNCTUATION
        for character in foreign
    )
    pairs = sum(_both_high(character) for character in foreign)
    enough = len(foreign) >= fewest and min(common, pairs) >= 0.9 * len(foreign)
    return enough and not _korean_or_japanese(foreign)


def other_encoding(raw: bytes, encoding: str) -> str | None:
    """The encoding that a line clearly has where it is not valid in that of its file, None where it has none."""
    other = "gb18030" if encoding == "utf-8" else "utf-8"
    try:
        text = raw.decode(other)
    except UnicodeDecodeError:
        return None
    return other if other == "utf-8" or is_chinese(text, _FEWEST // 2) else None


def weight(raw: bytes) -> int | None:
    """How much it says that a line is valid UTF-8: nothing (0) if it is ASCII; None where it is not valid.

    Every unit makes it a fifth as likely that this is GB18030.
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
    """Whether these, read as GB18030, are more likely EUC-KR or EUC-JP, whose bytes are in the same range.

    All syllables of EUC-KR begin with B0 to C8, as do common Chinese characters up to "qu" in pinyin: about two thirds.
    Kana are the same in EUC-JP and GB18030, and only the other characters come out wrong.
    """
    kana = sum("\u3041" <= character <= "\u30fe" for character in characters)
    ideographs = [character for character in characters if "\u4e00" <= character <= "\u9fff"]
    late = sum(character.encode("gb18030")[0] > 0xC8 for character in ideographs)
    korean = len(set(ideographs)) >= _FEWEST_DISTINCT and late < 0.05 * len(ideographs)
    return korean or kana > 0.2 * len(characters)


def _both_high(character: str) -> bool:
    encoded = character.encode("gb18030")
    return len(encoded) == 2 and min(encoded) >= 0xA1
