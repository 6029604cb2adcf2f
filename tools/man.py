"""Write the manual pages of the commands from their help, in English and Chinese.

    python tools/man.py [FOLDER]    write FOLDER/man1/tenor-COMMAND.1 and FOLDER/zh/man1/...; FOLDER is `build/man`

`man -M build/man tenor-train` shows one. To install them, copy the folders to `~/.local/share/man`. It needs Tenor.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from tenor._core.language import LANGUAGES, Language, tr, use_language
from tenor._core.version import VERSION
from tenor.cli.main import app

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> None:
    """Write the pages of all commands in all languages."""
    folder = Path(arguments[0]) if arguments else ROOT / "build" / "man"
    for language in LANGUAGES:
        target = folder / ("" if language == "en" else language) / "man1"
        target.mkdir(parents=True, exist_ok=True)
        for name, page in pages(language):
            (target / f"{name}.1").write_text(page, encoding="utf-8")


def pages(language: Language) -> Iterator[tuple[str, str]]:
    """(name, page in roff) of `tenor` and of each command."""
    with use_language(language):
        for words, command in _commands(("tenor",), get_command(app)):
            yield "-".join(words), page(words, command)


def _commands(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands((*words, name), inner)


def page(words: tuple[str, ...], command: Any) -> str:
    """The page of a command in roff (man(7)), in the language of the moment."""
    context = command.context_class(command, info_name=" ".join(words), help_option_names=["-h", "--help"])
    summary, *paragraphs = command.help.split("\n\n")
    lines = [
        f'.TH "{"-".join(words).upper()}" 1 "" "Tenor {VERSION}"',
        f'.SH "{tr("NAME")}"',
        f"{escaped('-'.join(words))} \\- {escaped(summary)}",
        f'.SH "{tr("SYNOPSIS")}"',
        escaped(f"{' '.join(words)} {' '.join(command.collect_usage_pieces(context))}"),
    ]
    if paragraphs:
        lines += [f'.SH "{tr("DESCRIPTION")}"', *(f".PP\n{escaped(text)}" for text in paragraphs)]
    records = [record for each in command.get_params(context) if (record := each.get_help_record(context))]
    for title, rows in ((tr("OPTIONS"), records), (tr("COMMANDS"), _summaries(command))):
        if rows:
            lines += [f'.SH "{title}"', *(f".TP\n\\fB{escaped(name)}\\fR\n{escaped(text)}" for name, text in rows)]
    return "\n".join(lines) + "\n"


def _summaries(command: Any) -> list[tuple[str, str]]:
    return [(name, inner.help.split("\n\n")[0]) for name, inner in getattr(command, "commands", {}).items()]


def escaped(text: str) -> str:
    """A text for roff: backslashes and hyphens as such, on one line, and no line that begins like a request."""
    text = re.sub(r"\s+", " ", text).strip().replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    main(sys.argv[1:])
