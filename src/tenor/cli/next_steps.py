"""`tenor` without a command: what to do next."""

import shlex
from pathlib import Path

from tenor._core.language import mark, tr
from tenor.cli.console import show
from tenor.cli.layout import display_width, pad

_FIRST = (
    ("tenor train imdb --budget 10s", mark("try it: 25,000 film reviews (tenor datasets lists more)")),
    ("tenor check tickets.csv", mark("find the problems of your own table")),
    ("tenor train tickets.csv", mark("train the best model in three minutes")),
)


def print_next_steps(runs: Path) -> None:
    """Print the commands to begin with, and what can be done with the newest model of a folder of runs."""
    model = newest_model(runs)
    show(tr("Tenor trains text classifiers that you can trust and ship. Begin with:"), "")
    _print_commands(_FIRST)
    if model is not None:
        name, text = shlex.quote(model.as_posix()), tr("a text")
        show("", tr("Your newest model is {name}:", name=name), "")
        _print_commands(
            (
                (f'tenor predict {name} "{text}"', mark("predict a label; also for every row of a file")),
                (f'tenor explain {name} "{text}"', mark("show the words behind it")),
                (f"tenor evaluate {name} test.csv", mark("measure it on labelled texts")),
                (f"tenor serve {name}", mark("serve it over HTTP, with a web page")),
            )
        )
    show("", tr("tenor help explains topics such as labels or coverage; tenor --help lists all commands."))


def newest_model(runs: Path) -> Path | None:
    """The folder below `runs` whose model was saved last; None if there is no model."""
    models = list(runs.glob("*/tenor.json"))
    return max(models, key=lambda path: path.stat().st_mtime_ns).parent if models else None


def _print_commands(commands: tuple[tuple[str, str], ...]) -> None:
    width = max(display_width(command) for command, _ in commands) + 2
    show(*(f"  {pad(command, width)}{tr(purpose)}" for command, purpose in commands))
