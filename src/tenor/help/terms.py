"""The glossary. `terms.json` is written from `docs/glossary.md` and its Chinese twin by `tools/terms.py`."""

import json
import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import NamedTuple

from tenor._core.language import Language


class Term(NamedTuple):
    """A term of the glossary in one language.

    Attributes:
        names: Its names: the English ones, then the Chinese ones.
        title: All names as the glossary writes them, such as `abstain (拒绝作答)`.
        meaning: What it means, in one sentence.
    """

    names: tuple[str, ...]
    title: str
    meaning: str

    @property
    def anchor(self) -> str:
        """The name of its place on a page, from the first English name: the same in both languages."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.names[0].lower()).strip("-")


@cache
def glossary(language: Language) -> tuple[Term, ...]:
    """All terms, in their order in the glossary."""
    text = resources.files("tenor.help").joinpath("terms.json").read_text(encoding="utf-8")
    return tuple(Term(tuple(row["names"]), row["title"], row["meaning"]) for row in json.loads(text)[language])


def find(word: str, language: Language) -> Term | None:
    """The term that a word names, in either language; None if there is none."""
    word = word.casefold().replace("_", " ").replace("-", " ")
    return next((term for term in glossary(language) if word in map(_plain, term.names)), None)


def names(language: Language) -> list[str]:
    """All names of terms."""
    return [name for term in glossary(language) for name in term.names]


def replace(text: str, language: Language, replacement: Callable[[str, Term], str]) -> str:
    """A text with each use of a term replaced; of overlapping terms, the longest counts.

    Args:
        text: A text without marks of HTML.
        language: The language of the text. English names count in both, Chinese ones in Chinese.
        replacement: What stands for a use, from the words of the text and their term.
    """
    pattern, terms = _uses(language)
    return pattern.sub(lambda match: replacement(match[0], terms[match[0].lower()]), text)


@cache
def _uses(language: Language) -> tuple[re.Pattern[str], dict[str, Term]]:
    """What matches a use of a term, and word -> term."""
    terms: dict[str, Term] = {}
    for term in glossary(language):
        for name in term.names:
            if name.isascii():
                terms |= dict.fromkeys(_forms(name.lower()), term)
            elif language == "zh" and len(name) > 1:  # a single character is a part of other words
                terms[name.lower()] = term
    words = sorted(terms, key=len, reverse=True)
    latin = "|".join(re.escape(word) for word in words if word.isascii())
    chinese = "".join("|" + re.escape(word) for word in words if not word.isascii())
    # Latin letters and Chinese characters may touch.
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{latin})(?![A-Za-z0-9_-]){chinese}", re.IGNORECASE), terms


def _forms(name: str) -> tuple[str, ...]:
    """Singular and plural of an English name."""
    if name.endswith("y"):
        return name, name[:-1] + "ies"
    return name, name + ("es" if name.endswith(("s", "x", "ch")) else "s")


def _plain(name: str) -> str:
    return name.casefold().replace("-", " ")
