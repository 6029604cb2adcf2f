"""A command that refuses an option with one value where it is given twice."""

from collections import Counter
from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command of `tenor`. Of an option with one value that is given twice, no value is dropped silently."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; print the usage and exit if an option that has one value is given twice."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for parameter, count in Counter(given).items():
                takes_one = not (getattr(parameter, "is_flag", True) or getattr(parameter, "multiple", False))
                if takes_one and count > 1:
                    ctx.fail(f"The option {parameter.opts[0]} is given {count} times, and it takes one value.")
        return super().parse_args(ctx, args)
