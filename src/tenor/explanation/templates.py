"""Jinja templates of pages: HTML is escaped, and characters that cannot be shown are replaced."""

import functools
from typing import TYPE_CHECKING

from tenor._core.printable import printable_lines

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def environment(package: str, autoescape: bool = True) -> "Environment":
    """The environment for the templates of a package, which may import those of this one.

    Compiling a template takes longer than rendering it, so environments are kept, with their compiled templates.

    Args:
        package: The package's name; its templates are beside its modules.
        autoescape: Whether strings are escaped for HTML.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, "."), PackageLoader("tenor.explanation", ".")])
    return Environment(
        loader=loader,
        autoescape=autoescape,
        finalize=_printable,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _printable(value: object) -> object:
    """Strings that can be shown; HTML from a template, and other values, unchanged."""
    return printable_lines(value) if type(value) is str else value
