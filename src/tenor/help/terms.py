"""The glossary. `terms.json` is written from `docs/glossary.md` and its Chinese twin by `tools/terms.py`."""

import json
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


def _plain(name: str) -> str:
    return name.casefold().replace("-", " ")
