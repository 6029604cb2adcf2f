"""Commands whose help is in the language of the user, and that refuse an option with one value given twice."""

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tenor._core.language import mark, tr
from tenor.cli import option_groups

_HelpFormatter: Any = typer.Context.formatter_class  # of click, which typer does not name


class _Formatter(_HelpFormatter):  # type: ignore[misc]
    """The formatter of typer, with the colon of the language after a heading."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(" " * self.current_indent + tr("{heading}:", heading=heading) + "\n")


class _Context(typer.Context):
    """The context of a command of `tenor`."""

    formatter_class = _Formatter


_PIECES = (mark("[OPTIONS]"), mark("COMMAND [ARGS]..."))  # of the usage


class _InLanguage:
    """The help of a command or of a group in the language of the moment."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        _translate(self)

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, with typer's own."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        _translate(*parameters)
        return parameters

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the line with the usage."""
        pieces = [tr(piece) if piece in _PIECES else piece for piece in self.collect_usage_pieces(ctx)]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=tr("Usage: "))

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, those of a command with many under several headings."""
        parameters = [each for each in self.get_params(ctx) if each.get_help_record(ctx) is not None]
        arguments = [each for each in parameters if each.param_type_name == "argument"]
        options = [each for each in parameters if each.param_type_name == "option"]
        for heading, group in ((tr("Arguments"), arguments), *option_groups.sections(options)):
            if group:
                with formatter.section(heading):
                    formatter.write_dl([each.get_help_record(ctx) for each in group])


class Command(_InLanguage, TyperCommand):
    """A command of `tenor`. Of an option with one value that is given twice, no value is dropped silently."""

    context_class = _Context

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; print the usage and exit if an option that has one value is given twice."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for parameter, count in Counter(given).items():
                takes_one = not (getattr(parameter, "is_flag", True) or getattr(parameter, "multiple", False))
                if takes_one and count > 1:
                    ctx.fail(
                        tr(
                            "The option {opts} is given {count} times, and it takes one value.",
                            opts=parameter.opts[0],
                            count=count,
                        )
                    )
        return super().parse_args(ctx, args)


class Group(_InLanguage, TyperGroup):
    """A group of commands of `tenor`."""

    context_class = _Context

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, and the commands with what each does."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


_HELP = mark("Show this message and exit.")  # of the option that typer adds


def _translate(*parts: Any) -> None:
    """Put the help of a command and of its parameters into the language of the moment."""
    for part in parts:
        if text := getattr(part, "help", None):
            part.help = tr(text)
