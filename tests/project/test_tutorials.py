"""The tutorials are followed from top to bottom: each command runs, and prints what the page shows, in its language."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.pages import language_of
from helpers.server import Server

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
NAMES = ["first-model", "your-own-csv", "few-labels", "chinese", "deploy", "cluster"]
# What a tutorial needs of an earlier one, as it says at its beginning.
CLEAN = {
    "clean.csv": "tenor check examples/tickets.csv --label team --fix clean.csv",
    "干净.csv": "tenor check examples/工单.csv --label 处理组 --fix 干净.csv",
}

pytestmark = pytest.mark.docs


@dataclass(frozen=True)
class Step:
    """A command of a page, and the lines that the page shows below it."""

    command: str
    shown: str


def steps(page: Path) -> list[Step]:
    """The commands of the console blocks of a page, in their order."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [Step(*part.replace("\\\n", " ").partition("\n")[::2]) for part in parts]


def shapes(text: str) -> set[str]:
    """The lines of a text, numbers and the width of columns aside."""
    lines = (re.sub(r"[+-]?\d[\d.,:]*", "#", line) for line in text.splitlines())
    return {re.sub(r"\s+", " ", line).strip() for line in lines} - {"", "..."}


def is_printed(line: str, printed: set[str]) -> bool:
    """Whether a line of a page is one of those that are printed; `...` in it stands for anything."""
    pattern = ".*".join(map(re.escape, line.split("...")))
    return any(re.fullmatch(pattern, each) for each in printed)


class Reader:
    """Somebody who types the commands of a page, in a folder that has `examples/`."""

    def __init__(self, folder: Path, cli: Cli, stack: ExitStack) -> None:
        self._folder, self._cli, self._stack = folder, cli, stack
        self._port = 0

    def run(self, command: str) -> str:
        """What a command prints, on standard output and standard error."""
        if command.startswith("tenor serve "):
            return self._serve(shlex.split(command)[2:])
        if command.startswith("tenor "):
            done = self._cli(*shlex.split(command)[1:])
            assert done.code in (0, 1) if command.startswith("tenor check ") else done.code == 0, done.err
            return done.out + done.err
        command = command.replace("localhost:8000", f"localhost:{self._port}").replace("python3 ", f"{sys.executable} ")
        shell = subprocess.run(
            ["bash", "-c", command], cwd=self._folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert shell.returncode == 0, shell.stderr
        return shell.stdout + shell.stderr

    def _serve(self, arguments: list[str]) -> str:
        server = Server(self._folder / arguments[0], self._folder / "server.log", *arguments[1:], "--port", "0")
        self._stack.callback(server.process.wait, timeout=60)
        self._stack.callback(server.process.send_signal, signal.SIGTERM)
        self._port = server.port
        return server.log.read_text().splitlines()[0]


@pytest.fixture
def reader(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        yield Reader(tmp_path, cli, stack)


def pages() -> list[object]:
    """Every tutorial, in English and in Chinese."""
    return [
        pytest.param(TUTORIALS / f"{name}{suffix}", id=f"{name}{suffix}", marks=[pytest.mark.ray] * (name == "cluster"))
        for name in NAMES
        for suffix in (".md", ".zh.md")
    ]


@pytest.mark.parametrize("page", pages())
def test_a_reader_can_follow_the_tutorial(page: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOR_LANG", language_of(page))
    todo = steps(page)
    assert len(todo) >= 4
    for file, command in CLEAN.items():
        if any(file in step.command for step in todo) and not any(f"--fix {file}" in step.command for step in todo):
            assert command in page.read_text(encoding="utf-8")
            reader.run(command)
    for step in todo:
        printed = shapes(reader.run(step.command))
        for line in shapes(step.shown):
            assert is_printed(line, printed), (step.command, line, sorted(printed))


def test_every_tutorial_is_followed() -> None:
    written = {path.name.partition(".")[0] for path in TUTORIALS.glob("*.md")} - {"index"}
    assert written == set(NAMES)


def test_both_languages_have_the_same_steps() -> None:
    for name in NAMES:
        english, chinese = (steps(TUTORIALS / f"{name}{suffix}.md") for suffix in ("", ".zh"))
        for one, other in zip(english, chinese, strict=True):
            assert one.command.split()[:2] == other.command.split()[:2]
            assert bool(shapes(one.shown)) == bool(shapes(other.shown)), one.command


def test_the_examples_are_tables_with_the_faults_that_the_tutorial_names() -> None:
    for name in ("tickets.csv", "工单.csv"):
        lines = (ROOT / "examples" / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) == 221 and sum(line.endswith(",") for line in lines) == 2
