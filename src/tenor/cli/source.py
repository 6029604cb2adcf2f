"""Whether an argument is a text or names a file with texts."""

import itertools
import re
from pathlib import Path
from typing import Any

from tenor._core.language import tr
from tenor.cli.command import Command

_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_DASHED_TEXT = re.compile(r"-[^=\s]*\s")  # the name of an option has no blank
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")


class TextCommand(Command):
    """A command with an argument that may be a text. A text that begins with a dash and has blanks is not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; texts like `--- fine ---` are taken after the others."""
        if "--" not in args:
            texts = [
                each
                for before, each in itertools.pairwise(["", *args])
                if _DASHED_TEXT.match(each) and before not in self._options_with_value()
            ]
            args = [each for each in args if each not in texts] + ["--", *texts] * bool(texts)
        return super().parse_args(ctx, args)

    def _options_with_value(self) -> set[str]:
        """The options that the next argument belongs to."""
        return {name for each in self.params if not getattr(each, "is_flag", True) for name in each.opts}


def is_text(source: str, command: str) -> bool:
    """Whether `source` is a text itself, rather than `-`, a file, a folder or a pattern.

    A text that looks like a path gets a note. Only the name of a table, such as `missing.csv`, is refused.

    Args:
        source: The argument.
        command: Name of the command, for messages.

    Raises:
        DataError: It is the name of a table that does not exist, or of a built-in dataset.
    """
    from tenor.cli.console import note
    from tenor.data.builtin import BUILTINS
    from tenor.data.io import table
    from tenor.errors import DataError

    if source == "-" or _exists(Path(source)):
        return False
    if "://" in source:
        return True
    is_pattern = table.is_pattern(source)
    if _is_table_name(source):
        if is_pattern:
            return False  # reading reports a pattern that nothing matches
        raise DataError(
            tr("{source}: there is no such file.", source=source),
            tr(
                "Check the path; give a text that looks like one through standard input: echo TEXT | "
                "tenor {command} MODEL -",
                command=command,
            ),
        )
    if is_pattern and _looks_like_a_path(source) and _has_matches(source):
        return False
    if source in BUILTINS:
        raise DataError(
            tr("{source}: this is a built-in dataset, which has its labels.", source=source),
            tr(
                "Measure on it with tenor evaluate; for the word itself: echo {source} | tenor {command} MODEL -",
                source=source,
                command=command,
            ),
        )
    if _looks_like_a_path(source):
        note(tr("there is no file {as_text!r}, so it is read as a text.", as_text=as_text(source)))
    return True


def as_text(source: str) -> str:
    """The argument as a text: bytes that are not UTF-8 become replacement characters."""
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_table_name(source: str) -> bool:
    """Whether it is one word that ends like a table, such as `missing.csv`."""
    from tenor.data.io.formats import COMPRESSED, FORMATS

    return len(source.split()) == 1 and Path(source).suffix.lower() in (*FORMATS, *COMPRESSED, *_SHEETS)


def _looks_like_a_path(source: str) -> bool:
    """A word with a slash inside or with an ending of up to 8 letters, or several words that end so."""
    ending = Path(source).suffix.lower()
    one_word = len(source.split()) == 1
    return (one_word and "/" in source) or _ENDING.fullmatch(ending) is not None


def _has_matches(pattern: str) -> bool:
    from tenor.data.io import table
    from tenor.errors import DataError

    try:
        return bool(table.files(Path(pattern)))
    except (DataError, OSError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists() and path != Path()  # an empty text is the path of the current folder
    except (OSError, ValueError):  # a long text cannot be the name of a file
        return False
