"""A wrong option or argument, in the language of the user. Typer has its sentences in English alone."""

import re
from typing import Any

from tenor._core.language import join_names, mark, tr
from tenor._core.printable import printable

_SENTENCES = tuple(
    (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL), sentence)
    for sentence in (
        mark("Missing argument {name}."),
        mark("Missing option {name}."),
        mark("Missing command."),
        mark("Invalid value for {name}: {problem}"),
        mark("No such option: {name}"),
        mark("No such option: {name} Did you mean {near}?"),
        mark("No such option: {name} (Possible options: {near})"),
        mark("No such command {name}."),
        mark("No such command {name}. Did you mean {near}?"),
        mark("Got unexpected extra argument(s) ({names})"),
        mark("Option {name} requires an argument."),
        mark("Option {name} does not take a value."),
        mark("Value error, {problem}"),
        mark("Input should be a valid integer, unable to parse string as an integer"),
        mark("Input should be a valid number, unable to parse string as a number"),
        mark("{value} is not one of {choices}."),
    )
)


def lines(error: Any) -> list[str]:
    """The lines for standard error: the usage, where to find help, and what is wrong.

    Args:
        error: An exception of typer with `ctx` (None outside a command) and `format_message()`.
    """
    context = getattr(error, "ctx", None)
    usage = []
    if context is not None:
        option = context.help_option_names[0]
        usage = [
            *context.get_usage().splitlines(),
            tr("Try '{command}' for help.", command=f"{context.command_path} {option}"),
            "",
        ]
    return [*usage, tr("Error: {problem}", problem=_translated(printable(error.format_message())))]


def _translated(message: str) -> str:
    """A message of typer in the language of the moment; one that is not known stays unchanged."""
    for pattern, sentence in reversed(_SENTENCES):
        if match := pattern.fullmatch(message):
            values = {name: _translated(value) for name, value in match.groupdict().items()}
            if "near" in values:
                values["near"] = join_names(values["near"].split(", "))
            return tr(sentence, **values)
    return message
