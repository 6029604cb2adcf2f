"""`tenor`: the commands, and how errors and interruptions end them."""

import os
import sys
from typing import Annotated, NoReturn

import typer

import tenor
from tenor.cli import datasets, evaluate, families, predict, train
from tenor.errors import TenorError

app = typer.Typer(
    name="tenor",
    help="Labelled text in; a classifier that you can trust and deploy out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("datasets")(datasets.datasets)
app.command("families")(families.families)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tenor {tenor.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def main() -> NoReturn:
    """Run the command line. A TenorError prints two lines and exits with 1; a bug keeps its traceback."""
    try:
        app(standalone_mode=False)
    except TenorError as error:
        print(f"error: {error.problem}", file=sys.stderr)
        if error.remedy:
            print(error.remedy, file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    sys.exit(0)
