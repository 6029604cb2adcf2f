import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import delimited, read
from tenor.data import dataset
from tenor.data.io import stdin
from tenor.errors import DataError

STDIN = Path("-")


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    "data",
    [
        'text,label\n"one, two",a\n好看，喜欢,b\n',
        'text;label\n"one, two";a\n好看，喜欢;b\n',
        "text\tlabel\none, two\ta\n好看，喜欢\tb\n",
        '\n{"text": "one, two", "label": "a"}\n{"text": "好看，喜欢", "label": "b"}\n',
        '\n[{"text": "one, two", "label": "a"},\n {"text": "好看，喜欢", "label": "b"}]\n',
        "\n__label__a one, two\n__label__b 好看，喜欢\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_beginning_tells_the_format(monkeypatch: pytest.MonkeyPatch, data: str, encoding: str) -> None:
    give(monkeypatch, data.encode(encoding))
    assert read(STDIN) == {"text": ["one, two", "好看，喜欢"], "label": ["a", "b"]}


def test_more_than_the_memory_of_a_chunk_comes_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["text", "label"], *[[f"text {row} " * 20, "x"] for row in range(20_000)]]
    give(monkeypatch, delimited(rows).encode())
    assert read(STDIN)["text"] == [row[0] for row in rows[1:]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"^standard input: the file is empty\. Give"),
        (b"text,label\na,x\nb\xff,y\n", r"^standard input, row 2: byte 16 of the file is not valid UTF-8\. Save"),
        (b'text,label\na,x\n"b,y\nc,d,e\n', r"^standard input, row 2: the quoting is broken"),
    ],
)
def test_faults_name_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, message: str) -> None:
    give(monkeypatch, data)
    with pytest.raises(DataError, match=message):
        dataset.read(STDIN)


def test_texts_without_labels_are_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, b"one, two\n\nthree\n")
    assert dataset.read_texts(STDIN) == ["one, two", "three"]


def test_a_closed_or_broken_stream_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match=r"^standard input is closed\. Give a file"):
        dataset.read(STDIN)

    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(
        DataError, match=r"^standard input: this cannot be read into a temporary file: Input/output err"
    ):
        stdin.Spool(Broken())


def test_the_copy_is_gone_with_its_table() -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not list open files")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    copy = stdin.Spool(io.BytesIO(b"abc"))
    for _ in range(2):
        with copy.open() as stream:
            assert stream.read() == b"abc"
    del copy
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
