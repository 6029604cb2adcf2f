"""`tenor`: the commands, and how errors and interruptions end them."""

import atexit
import errno
import gc
import gettext
import io
import itertools
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import tenor
from tenor._core.language import DIRECTORY, LANGUAGES, VARIABLE, language, tr
from tenor._core.printable import printable
from tenor.cli import (
    check,
    compare,
    corrections,
    datasets,
    evaluate,
    explain,
    export,
    families,
    help,
    models,
    next_steps,
    options,
    predict,
    pretrain,
    serve,
    train,
    tune,
    usage_errors,
    verify,
)
from tenor.cli.command import Command, Group
from tenor.cli.console import note
from tenor.cli.error_topics import topic_of
from tenor.cli.source import TextCommand
from tenor.cli.spelling import with_flags
from tenor.errors import NotUsedWarning, RenamedSettingWarning, TenorError

_WrongOption: Any = typer.BadParameter.__mro__[2]  # click's ClickException, which typer does not name

app = typer.Typer(
    cls=Group,
    name="tenor",
    help="Train text classifiers that you can trust and ship.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("check", cls=Command)(check.check)
app.command("train", cls=Command)(train.train)
app.command("tune", cls=Command)(tune.tune)
app.command("evaluate", cls=Command)(evaluate.evaluate)
app.command("compare", cls=Command)(compare.compare)
app.command("predict", cls=TextCommand)(predict.predict)
app.command("explain", cls=TextCommand)(explain.explain)
app.command("serve", cls=Command)(serve.serve)
app.add_typer(corrections.app, name="corrections")
app.command("export", cls=Command)(export.export)
app.command("verify", cls=Command)(verify.verify)
app.command("pretrain", cls=Command)(pretrain.pretrain)
app.command("datasets", cls=Command)(datasets.datasets)
app.command("families", cls=Command)(families.families)
app.command("models", cls=Command)(models.models)
app.command("help", cls=Command)(help.help_)


def _version(is_given: bool) -> None:
    if is_given:
        print(f"tenor {tenor.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    lang: options.Lang = None,
) -> None:
    """Reads the options before the command; without a command, says what to do next."""
    if context.invoked_subcommand is None:
        next_steps.print_next_steps(Path("runs"))


def main() -> NoReturn:
    """Run the command line.

    A TenorError prints the problem, the remedy, and a topic of the help if one fits; it exits with 1. A wrong option
    prints the usage and exits with 2; a bug keeps its traceback. SIGTERM ends a command like Ctrl-C: incomplete output
    is removed, and a run that can be resumed says so.
    """
    _open_streams()
    _choose_language(sys.argv[1:])
    warnings.formatwarning = _format_warning
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    atexit.register(gc.freeze)  # else the interpreter would look through all of TensorFlow for garbage before it ends
    try:
        code = app(prog_name="tenor", standalone_mode=False)
        sys.stdout.flush()
        if code == 130:  # typer has caught the interruption
            note(tr("interrupted."))
    except TenorError as error:
        topic = topic_of(error)
        more = tr("More: tenor help {topic}", topic=topic) if topic else ""
        problem = tr("error: {problem}", problem=error.problem)
        note(*map(with_flags, filter(None, (problem, error.remedy, more))))
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        note(tr("interrupted."))
        sys.exit(130)
    except _WrongOption as error:
        note(*usage_errors.lines(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        _drop_output()
        note(
            tr(
                "error: {filename}: {strerror}.",
                filename=error.filename or tr("standard output"),
                strerror=error.strerror,
            ),
            tr("Free some space."),
        )
        sys.exit(1)
    sys.exit(code or 0)


def _choose_language(arguments: list[str]) -> None:
    """Take the language of --lang, before the help of the options is made; its library asks gettext for its own."""
    for option, value in itertools.pairwise([*arguments, ""]):
        flag, has_value, name = option.partition("=")
        if flag == "--lang" and (name if has_value else value) in LANGUAGES:
            os.environ[VARIABLE] = name if has_value else value
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain("messages", DIRECTORY)
    gettext.textdomain("messages")


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Warnings for users are one line; other warnings are for developers."""
    if issubclass(category, (NotUsedWarning, RenamedSettingWarning)):
        return tr("warning: {with_flags}\n", with_flags=with_flags(printable(str(message))))
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def _open_streams() -> None:
    """Make the streams take every character, and open those that are closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Discard buffered output, so that the interpreter does not fail to write it when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
