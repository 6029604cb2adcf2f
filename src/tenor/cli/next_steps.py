"""`tenor` without a command: what to do next."""

import shlex
from pathlib import Path

from tenor.cli.console import pad, show

_FIRST = (
    ("tenor train imdb --budget 10s", "try it: 25,000 film reviews (tenor datasets lists more)"),
    ("tenor check tickets.csv", "find the problems of your own table"),
    ("tenor train tickets.csv", "train the best model in three minutes"),
)


def print_next_steps(runs: Path) -> None:
    """Print the commands to begin with, and what can be done with the newest model of a folder of runs."""
    model = newest_model(runs)
    show("Tenor trains text classifiers that you can trust and ship. Begin with:", "")
    _print_commands(_FIRST)
    if model is not None:
        name = shlex.quote(model.as_posix())
        show("", f"Your newest model is {name}:", "")
        _print_commands(
            (
                (f'tenor predict {name} "a text"', "predict a label; also for every row of a file"),
                (f'tenor explain {name} "a text"', "show the words behind it"),
                (f"tenor evaluate {name} test.csv", "measure it on labelled texts"),
                (f"tenor serve {name}", "serve it over HTTP, with a web page"),
            )
        )
    show("", "tenor help explains topics such as labels or coverage; tenor --help lists all commands.")


def newest_model(runs: Path) -> Path | None:
    """The folder below `runs` whose model was saved last; None if there is no model."""
    models = list(runs.glob("*/tenor.json"))
    return max(models, key=lambda path: path.stat().st_mtime_ns).parent if models else None


def _print_commands(commands: tuple[tuple[str, str], ...]) -> None:
    width = max(len(command) for command, _ in commands) + 2
    show(*(f"  {pad(command, width)}{purpose}" for command, purpose in commands))
