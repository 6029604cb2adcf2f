"""Recognising the encoding of text.

UTF-8, UTF-16 and UTF-32 are recognised by their marks or by validity. Other text is given to chardet, which compares it
with the letters of each language; what it says counts only if the whole file is valid in that encoding.

A few Chinese characters in GB18030 may be valid UTF-8 by chance (小说, say), and are then read as UTF-8. Of 250,000
phrases from Chinese reviews none with more than six characters was.
"""

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

_PUNCTUATION = "“”‘’—…·"  # of Chinese, outside its blocks
_MIN_DISTINCT = 16  # characters; fewer do not tell Korean from Chinese
_MIN_CHARACTERS = 8  # fewer can be chance
_BROKEN = re.compile("[\udc80-\udcff]")  # invalid UTF-8, byte by byte
_FOREIGN = re.compile("[^\0-\x7f\udc80-\udcff]")
_OF_WORD = r"[^\s\0-,./:;<=>?@\[\]{|}"
_WORD = re.compile(rf"(?<!{_OF_WORD}]){_OF_WORD}\x80-\U0010ffff]*+[^\0-\x7f]{_OF_WORD}]*+")

_WIDE = {"utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be", "utf-32-le": "utf-32-le", "utf-32-be": "utf-32-be"}
_MULTIBYTE = ("gb18030", "big5", "cp932", "cp949", "euc-jp")
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
_OTHER_SCRIPTS = ("cp1251", "koi8-r", "cp1253", "cp1255", "cp1256", "cp874")
_SAMPLE_BYTES = 200_000
_SAMPLE_WORDS, _WORD_CHARACTERS = 3, 12
_FEW = 40  # bytes beyond ASCII; fewer say little about a Latin alphabet
_MARGIN = 1.2  # how far the score of an encoding must be above the next one
_DOS_AND_MAC = ("mac-roman", "cp850")  # of old computers: they are named to the user, never taken
_INSIDE_WORDS = "’‘´·-–—…"  # signs
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]+")

CERTAIN_WEIGHT = 12
"""Valid UTF-8 of this weight is not GB18030 by chance."""

Blocks = Callable[[], Iterable[bytes]]
"""Gives the whole file again, in blocks."""


class Encoding(NamedTuple):
    """The encoding of a file.

    Attributes:
        name: Its name in Python.
        is_certain: Whether it is certain; UTF-8 is also the fallback.
        sample: Some words as they were decoded, if the encoding was guessed from them.
        candidates: Encodings in which the file may be written, if none is sure, with some words in each.
    """

    name: str
    is_certain: bool = True
    sample: str = ""
    candidates: tuple[tuple[str, str], ...] = ()


UTF_8 = Encoding("utf-8")


def recognise(head: bytes, blocks: Blocks | None = None) -> Encoding:
    """The encoding of a file.

    It is UTF-8, with broken bytes, if most characters beyond ASCII are valid UTF-8. Else chardet decides by the first
    part with characters beyond ASCII. Lines in another encoding further on do not count.

    Args:
        head: The first bytes of the file.
        blocks: Gives the whole file; None: only its beginning is known.
    """
    if head[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return Encoding("utf-32")
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return Encoding("utf-16")
    if head.startswith(codecs.BOM_UTF8):
        return UTF_8
    if b"\0" in head[:_SAMPLE_BYTES]:
        return _wide(head[:_SAMPLE_BYTES]) or Encoding("utf-8", False)
    sample = head
    if head.isascii() and blocks is not None:
        sample = next((block for block in blocks() if not block.isascii()), b"")
    utf_8 = codecs.getincrementaldecoder("utf-8")  # it ignores a character that is cut at the end
    with contextlib.suppress(UnicodeDecodeError):
        return Encoding("utf-8", not utf_8().decode(sample).isascii())
    text = utf_8("surrogateescape").decode(sample)
    valid, broken = len(_FOREIGN.findall(text)), len(_BROKEN.findall(text))
    if valid >= max(_MIN_CHARACTERS, 3 * broken):  # GB18030 gives about four broken bytes for a valid character
        return UTF_8
    guess = _guess(sample)
    if guess.name != "utf-8" and blocks is not None and not is_valid(blocks(), guess.name):
        words = ((guess.name, guess.sample),) if _is_single_byte(guess.name) else ()
        guess = guess if guess.name == "gb18030" else Encoding("utf-8", False, "", words)
    return guess if guess.name != "utf-8" else guess._replace(is_certain=valid > broken)


def is_certainly_utf_8(blocks: Iterable[bytes]) -> bool:
    """Whether a file has a mark of UTF-8, or is valid with enough characters beyond ASCII that it is not chance."""
    decoder, evidence = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        for number, block in enumerate(blocks):
            if number == 0 and block.startswith(codecs.BOM_UTF8):
                return True
            text = decoder.decode(block)
            evidence += 0 if text.isascii() else len(_FOREIGN.findall(text))
    except UnicodeDecodeError:
        return False
    return evidence >= CERTAIN_WEIGHT


def is_valid(blocks: Iterable[bytes], encoding: str) -> bool:
    """Whether a whole file is valid in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _wide(head: bytes) -> Encoding | None:
    """UTF-16 or UTF-32 without a mark; None if it is neither."""
    import chardet  # takes longer to load than a text to predict, and few files need it

    result = chardet.detect(
        head[: len(head) // 4 * 4 or None],
        compat_names=False,
        include_encodings=_WIDE,
        no_match_encoding="utf-32-be",  # which is checked below like the others
    )
    name = _WIDE.get(str(result["encoding"]).replace("_", "-").lower())
    if name is None:
        return None
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return None
    words = text.translate({0xFEFF: None}).split()
    if any(ord(character) < 32 and character not in "\t\r\n\v\f" for character in text) or not words:
        return None
    return Encoding(name, True, sample_of(text) or words[0][:_WORD_CHARACTERS])


def _guess(sample: bytes) -> Encoding:
    """The encoding of bytes that are not UTF-8, with words of them; `utf-8` with candidates if none is sure."""
    import chardet

    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    if len(lines) > 1 and not sample.endswith(b"\n"):
        lines.pop()  # it may be cut inside a character
    data = b"\n".join(lines)[:_SAMPLE_BYTES]
    words = [word for word in _LETTERS.findall(data) if len(word) > 1 and not word.isascii()]
    n_foreign = sum(len(word) - len(word.decode("ascii", "ignore")) for word in words)
    is_latin = sum(map(len, words)) >= 2 * n_foreign  # most letters beside the others are ASCII
    results = chardet.detect_all(
        data,
        ignore_threshold=True,
        prefer_superset=True,
        compat_names=False,
        include_encodings=(*_MULTIBYTE, *_LATIN, *(() if is_latin else _OTHER_SCRIPTS)),
    )
    scores = {_plain_name(name): each["confidence"] for each in reversed(results) if (name := each["encoding"])}
    ranked = sorted((name for name in scores if _decodes(data, name)), key=lambda name: -scores[name])
    best = ranked[0] if ranked else "gb18030"
    is_sure = len(ranked) == 1 or (len(ranked) > 1 and scores[best] >= _MARGIN * scores[ranked[1]])
    is_odd = best in _OTHER_SCRIPTS and not _is_plausible(_excerpt(data, best))
    if (best in ("gb18030", *_LATIN) and _is_chinese_head(data)) or (
        is_odd and _is_chinese_head(data, _MIN_CHARACTERS)
    ):
        best, is_sure = "gb18030", True
    elif best in _LATIN:
        # The Latin alphabets share most letters. Windows' Western one is by far the most usual.
        margin = 2.0 if n_foreign < _FEW else 1.5
        best = "cp1252" if "cp1252" in ranked and scores[best] < margin * scores["cp1252"] else best
        is_sure = _is_plausible(_excerpt(data, best))
        ranked = [best, *_DOS_AND_MAC]
    elif best in _OTHER_SCRIPTS:
        is_sure = is_sure and not is_odd
    elif best == "gb18030":
        is_sure = False
    if is_sure:
        return Encoding(best, True, sample_of(data.decode(best, "ignore")))
    return Encoding("utf-8", False, "", tuple((name, sample_of(data.decode(name, "ignore"))) for name in ranked[:3]))


def _is_plausible(text: str) -> bool:
    """Whether the characters beyond ASCII are where a language has them.

    A capital after a small letter and a sign inside a word, as in `cafŽ` or `Ger„t`, come from another encoding.
    """
    n_foreign = implausible = 0
    for before, character, after in zip(text, text[1:], text[2:], strict=False):
        if character <= "\x7f":
            continue
        n_foreign += 1
        is_sign = not character.isalpha() and unicodedata.category(character)[0] != "M"
        inside = before.isalpha() and after.isalpha() and character not in _INSIDE_WORDS
        implausible += (
            character in "ÿ\xad" or (is_sign and inside) or (character.isupper() and before.islower() and not is_sign)
        )
    return 10 * implausible < n_foreign


def _is_chinese_head(head: bytes, min_characters: int = 1) -> bool:
    """Whether the beginning of a file reads as common Chinese in GB18030, but for a character that is cut."""
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("gb18030")
        if error.start < len(head) - 3:  # not a cut character, but another encoding
            min_characters = _MIN_CHARACTERS
    return is_chinese(text, min_characters)


def _excerpt(data: bytes, encoding: str) -> str:
    """The beginning of data as text, with a blank at each end."""
    return f" {data[:20_000].decode(encoding, 'ignore')} "


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether data are valid in an encoding, but for a character that is cut at the end."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _is_single_byte(encoding: str) -> bool:
    return encoding in (*_LATIN, *_OTHER_SCRIPTS)


def _plain_name(name: str) -> str:
    """The usual name of an encoding: chardet names supersets, such as euc_jis_2004."""
    plain = name.replace("_", "-").lower()
    return {"euc-jis-2004": "euc-jp", "euc-jisx0213": "euc-jp", "big5hkscs": "big5", "shift-jis-2004": "cp932"}.get(
        plain, plain
    )


def sample_of(text: str) -> str:
    """A few words with characters beyond ASCII, for people to judge the encoding by."""
    words = dict.fromkeys(word[:_WORD_CHARACTERS] for word in _WORD.findall(text[:_SAMPLE_BYTES]))
    return ", ".join(repr(word) for word in list(words)[:_SAMPLE_WORDS])


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
