"""The names of slices for people: those that Tenor gives itself are in their language."""

import re

from tenor._core.language import mark, tr

_LENGTHS = re.compile(r"(\d+) to (\d+) characters")


def display_by(by: str) -> str:
    """How the data are sliced, for people: a column has its own name."""
    return tr(by) if by in (mark("length"), mark("script"), mark("class")) else by


def display_name(by: str, value: str) -> str:
    """The name of a slice for people: of lengths and scripts, which Tenor names itself, in their language."""
    if by == "length" and (match := _LENGTHS.fullmatch(value)):
        return tr("{low} to {high} characters", low=match[1], high=match[2])
    return tr(value) if by == "script" else value
