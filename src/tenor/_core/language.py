"""The language of what people read: messages, errors, help, reports and cards.

English is the source. Other languages stand in catalogues of gettext, `tenor/locale/LANGUAGE/LC_MESSAGES/messages.po`.
A text without a translation stays English. `tools/messages.py` keeps a catalogue in step with the source.
"""

import gettext
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from tenor._core.printable import shortened

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
VARIABLE = "TENOR_LANG"
"""The environment variable that sets the language, before those of the locale."""
DIRECTORY = Path(__file__).parent.parent / "locale"
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_in_block: ContextVar[Language | None] = ContextVar("language", default=None)


def language() -> Language:
    """The language of this moment: that of `use_language`, of the variable TENOR_LANG, or of the locale."""
    return _in_block.get() or _of_environment()


@contextmanager
def use_language(name: Language | None) -> Iterator[None]:
    """Use a language within a block; None changes nothing."""
    token = _in_block.set(name or _in_block.get())
    try:
        yield
    finally:
        _in_block.reset(token)


def tr(message: str, /, **values: object) -> str:
    """A message in the language of this moment.

    Args:
        message: The English message, a literal, so that tools find it. With `values` it is a format string:
            `tr("{name}: there is no column {column!r}.", name=name, column=column)`.
        values: What the message names. With `!r`, which quotes names and values of the input, a long one is shortened.
    """
    catalogue = _catalogue(language())
    translated = catalogue.gettext(message) if catalogue and message else message
    return translated.format(**_quoted_short(values)) if values else translated


def tr_number(one: str, many: str, number: int, /, **values: object) -> str:
    """A message about a number, `{number}` in it, in the form that the language has for that number."""
    catalogue = _catalogue(language())
    message = catalogue.ngettext(one, many, number) if catalogue else one if number == 1 else many
    return message.format(number=number, **_quoted_short(values))


def mark(message: str, /) -> str:
    """The same text. Tools add it to the catalogue; `tr` translates it where it is shown."""
    return message


def sentences(*parts: str) -> str:
    """Sentences of one paragraph. English has a blank between them, Chinese has none."""
    return ("" if language() == "zh" else " ").join(filter(None, parts))


def join_names(names: Iterable[str]) -> str:
    """`a, b, c`, long names shortened. Chinese has its enumeration comma between names: `a、b、c`."""
    return ("、" if language() == "zh" else ", ").join(map(shortened, names))


class _Quoted(str):
    """A string whose `repr`, which `!r` of a message shows, is that of the shortened one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(shortened(str(self)))


def _quoted_short(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _Quoted(value) if isinstance(value, str) else value for name, value in values.items()}


@cache
def _catalogue(name: Language) -> gettext.NullTranslations | None:
    return None if name == "en" else gettext.translation("messages", DIRECTORY, [name])


def _of_environment() -> Language:
    names = (os.environ.get(VARIABLE), *map(os.environ.get, _LOCALE_VARIABLES))
    name = next(filter(None, names), None) or _of_windows()
    short = name.replace("-", "_").split("_")[0].split(".")[0].lower()
    return next((each for each in LANGUAGES if each == short), "en")


def _of_windows() -> str:
    """The language of the display, such as `zh_CN`, as Windows sets no variable; empty elsewhere."""
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
