"""The terms that a page uses: each use leads to its meaning at the end, so that the page explains itself."""

import html
from typing import TYPE_CHECKING

from tenor._core.language import language
from tenor._core.printable import printable_lines
from tenor.help.terms import Term, glossary, replace

if TYPE_CHECKING:
    from markupsafe import Markup


class LinkedTerms:
    """The terms of the glossary that were used so far on a page, which is rendered from top to bottom.

    Attributes:
        is_on: Whether the page has a list of terms at its end.
    """

    def __init__(self, is_on: bool) -> None:
        self.is_on = is_on
        self._used: set[Term] = set()

    def link(self, text: str) -> "Markup":
        """HTML of a text in which each term is a link to the list of terms, with its meaning as a tooltip."""
        from markupsafe import Markup  # of Jinja, which comes with `tenor[report]`

        escaped = html.escape(printable_lines(text))
        return Markup(replace(escaped, language(), self._link) if self.is_on else escaped)

    def note(self, text: str) -> str:
        """The text unchanged; its terms are added to the list."""
        if self.is_on:
            replace(text, language(), self._link)
        return text

    def used(self) -> list[Term]:
        """The terms, in the order of the glossary."""
        return [term for term in glossary(language()) if term in self._used]

    def _link(self, words: str, term: Term) -> str:
        self._used.add(term)
        return f'<a class="term" href="#{term.anchor}" title="{html.escape(term.meaning)}">{words}</a>'
