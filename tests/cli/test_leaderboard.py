"""The leaderboard: a table on a terminal, lines in a pipe."""

import io
import sys

import pytest
from rich.console import Console as RichConsole

from tenor.cli import console, leaderboard


def figures(accuracy: float, loss: float, seconds: float | None = None) -> dict[str, float]:
    result = {"validation_loss": loss, "validation_accuracy": accuracy}
    result |= {"validation_accuracy_low": accuracy - 0.01, "validation_accuracy_high": accuracy + 0.01}
    price = {"seconds": seconds, "texts_per_s": 12_345.0, "latency_ms": 0.1, "size_mib": 9.0}
    return result | ({} if seconds is None else price)  # type: ignore[operator]


ROWS = [("ngram", figures(0.9, 0.3, 3.2)), ("bag", figures(0.91, 0.28, 20.0)), ("blend", figures(0.92, 0.25))]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_has_a_row_for_each_model_and_the_best_stands_out() -> None:
    out = io.StringIO()
    RichConsole(file=out, width=100).print(leaderboard.table(ROWS))
    lines = [line.split() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[0] == ["model", "accuracy", "95%", "interval", "loss", "seconds", "texts/s", "MiB"]
    assert lines[2] == ["ngram", "0.9000", "0.8900", "to", "0.9100", "0.3000", "3.2", "12,345", "9.0"]
    assert lines[4] == ["blend", "0.9200", "0.9100", "to", "0.9300", "0.2500"]
    assert [row.style for row in leaderboard.table(ROWS).rows] == ["", "", "bold"]
    assert leaderboard.row("ngram", ROWS[0][1] | {"size_mib": 0.0123}).endswith("   0.01 MiB")


def test_a_terminal_shows_the_table_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    with console.Console() as shown:
        shown.on_message("[first] line")
        for number, (name, told) in enumerate(ROWS):
            shown.on_progress(f"{name}, epoch 1", 1, 2, {"loss": 0.5})
            shown.on_candidate_end(name, told)
            before = len(terminal.getvalue())
            shown.on_message(f"line {number}")
            assert name in terminal.getvalue()[before:]  # the table is drawn again under the line
    told = terminal.getvalue()
    assert "[first] line" in told
    last = told[told.rindex("model") :]
    assert all(name in last for name, _ in ROWS)
    assert "epoch 1" not in last
    said = [line for number, row in enumerate(ROWS) for line in (leaderboard.row(*row), f"line {number}")]
    assert shown.messages == ["[first] line", *said]


def test_a_pipe_gets_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    with console.Console() as shown:
        for row in ROWS:
            shown.on_candidate_end(*row)
    assert capsys.readouterr().err.splitlines() == [leaderboard.row(*row) for row in ROWS]
