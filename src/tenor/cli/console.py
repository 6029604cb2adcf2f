"""What people see: results on standard output, and on standard error a progress bar (a terminal) or lines (a pipe).

Everything passes through `printable`, so commands print through here alone, except what programs read.
"""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.printable import printable, printable_row
from tenor.cli import leaderboard
from tenor.cli.spelling import with_flags
from tenor.errors import counted

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress, TaskID

_LINE_EVERY_S = 10.0


def show(*lines: str) -> None:
    """Print lines to standard output. A line end within an argument is escaped, so each argument is one line."""
    print("\n".join(map(printable_row, lines)))


def note(*lines: str) -> None:
    """Print lines to standard error, like `show`, with options as flags."""
    print("\n".join(printable_row(with_flags(line)) for line in lines), file=sys.stderr, flush=True)


class Console(Callback):
    """Shows messages, progress and the leaderboard. Use it as a context manager, so that a bar is always closed.

    Attributes:
        messages: The messages so far, for commands that print them in another form.
    """

    def __init__(self, quiet: bool = False) -> None:
        """Show progress; with `quiet` only collect messages."""
        self.messages: list[str] = []
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet
        self._leaderboard: list[tuple[str, dict[str, float]]] = []
        self._live: Live | None = None
        self._bar: tuple[Progress, TaskID] | None = None
        self._stage = ""
        self._last_line_at = time.monotonic()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        self._close_bar()
        if self._live is not None:  # the leaderboard stays, without the bar
            self._live.update(leaderboard.table(self._leaderboard), refresh=True)
            self._live.stop()
            self._live = None

    def on_message(self, message: str) -> None:
        """Print a message above the progress bar, with options as flags."""
        self._close_bar()
        message = with_flags(printable(message))
        self.messages.append(message)
        if self._live is not None:
            self._live.console.print(message, markup=False, highlight=False, soft_wrap=True)
        elif not self._quiet:
            note(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """Update the progress bar; in a pipe print a line every few seconds."""
        from tenor.cli.metrics_text import describe

        if self._terminal:
            bar, task = self._open_bar(stage, total)
            bar.update(task, completed=done, metrics=describe(metrics) if total else counted(done, "row"))
        elif not self._quiet and time.monotonic() - self._last_line_at >= _LINE_EVERY_S:
            self._last_line_at = time.monotonic()
            progress = tr("{done:,} of {total:,}", done=done, total=total) if total else counted(done, "row")
            details = tr("; ") + describe(metrics) if metrics else ""
            self.on_message(tr("{stage}: {progress}", stage=stage, progress=progress) + details)

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        """Print the metrics of an epoch."""
        from tenor.cli.metrics_text import describe

        self.on_message(tr("{place}: {problem}", place=epoch, problem=describe(metrics)))

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        """Add a row to the leaderboard: a table on a terminal, a line in a pipe."""
        self._close_bar()
        self._leaderboard.append((name, metrics))
        if self._terminal:
            self.messages.append(leaderboard.row(name, metrics))
            self._draw()
        else:
            self.on_message(leaderboard.row(name, metrics))

    def _draw(self) -> None:
        """Draw the leaderboard, and the progress bar below it."""
        from rich.console import Console as RichConsole
        from rich.console import Group
        from rich.live import Live

        table = leaderboard.table(self._leaderboard)
        content = table if self._bar is None else Group(table, self._bar[0])
        if self._live is None:
            self._live = Live(content, console=RichConsole(stderr=True))
            self._live.start()
        else:
            self._live.update(content, refresh=True)

    def _open_bar(self, stage: str, total: int) -> "tuple[Progress, TaskID]":
        """The progress bar of a stage, which is opened if the bar is that of another stage."""
        if self._bar is not None and stage == self._stage:
            return self._bar
        self._close_bar()
        from rich import progress
        from rich.console import Console as RichConsole

        self._stage = stage
        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[metrics]}", markup=False),
            progress.TimeRemainingColumn(),
        )
        bar = progress.Progress(*columns, console=RichConsole(stderr=True), transient=True)
        self._bar = bar, bar.add_task(printable(stage), total=total or None, metrics="")
        if self._leaderboard:
            self._draw()
        else:
            bar.start()
        return self._bar

    def _close_bar(self) -> None:
        if self._bar is None:
            return
        if self._live is None:
            self._bar[0].stop()
        self._bar = None
        if self._live is not None:
            self._draw()
