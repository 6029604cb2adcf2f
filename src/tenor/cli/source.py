"""Whether an argument is a text or names a file with texts."""

import re
from pathlib import Path

_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


def is_text(source: str, command: str) -> bool:
    """Whether `source` is a text itself, rather than `-`, a file, a folder or a pattern.

    Args:
        source: The argument.
        command: Name of the command, for messages.

    Raises:
        DataError: It looks like a file that does not exist, or is the name of a built-in dataset.
    """
    from tenor.data.builtin import BUILTINS
    from tenor.data.io import table
    from tenor.errors import DataError

    is_pattern = table.is_pattern(source) and _looks_like_a_path(source)
    if source == "-" or _exists(Path(source)) or is_pattern:
        return False
    if _looks_like_a_path(source):
        raise DataError(
            f"{source}: there is no such file.",
            "Check the path; give a text that looks like one through standard input: "
            f"echo TEXT | tenor {command} MODEL -",
        )
    if source in BUILTINS:
        raise DataError(
            f"{source}: this is a built-in dataset, which has its labels.",
            f"Measure on it with tenor evaluate; for the word itself: echo {source} | tenor {command} MODEL -",
        )
    return True


def as_text(source: str) -> str:
    """The argument as a text: bytes that are not UTF-8 become replacement characters."""
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _looks_like_a_path(source: str) -> bool:
    """A word with a slash in it or with an ending of up to 8 letters, or anything that ends like a table."""
    from tenor.data.io.formats import COMPRESSED, FORMATS

    ending = Path(source).suffix.lower()
    one_word = len(source.split()) == 1
    return ending in (*FORMATS, *COMPRESSED) or (one_word and ("/" in source or _ENDING.fullmatch(ending) is not None))


def _exists(path: Path) -> bool:
    try:
        return path.exists() and path != Path()  # an empty text is the path of the current folder
    except (OSError, ValueError):  # a long text cannot be the name of a file
        return False
