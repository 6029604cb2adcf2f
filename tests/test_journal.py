"""A job that was interrupted goes on, and gives what an unbroken one gives."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tenor import journal
from tenor.errors import DataError, Location

JOB = {"model": "abc", "coverage": None}
CHUNKS = [["a", "好"], ["b"], ["c\n", ""]]


def work(out: Path, chunks: list[list[str]] = CHUNKS, until: int = 99, **how: Any) -> tuple[list[Any], list[str]]:
    """Go through chunks, as far as `until`, where it breaks. Returns all values, and the texts that were computed."""
    computed: list[str] = []

    def compute(texts: list[str]) -> journal.Values:
        computed.extend(texts)
        return [[len(text) / 3 for text in texts], [None for _ in texts]]

    found = []
    with journal.opened(out, how.pop("job", JOB), how.pop("resume", False), how.pop("afresh", False)) as kept:
        for number, texts in enumerate(chunks):
            if number == until:
                raise how.pop("error", KeyboardInterrupt)
            found.append(kept.values(texts, compute))
        kept.end()
    return found, computed


def interrupted(out: Path, until: int = 2, **how: Any) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        work(out, until=until, **how)


def test_what_is_known_is_not_computed_again(tmp_path: Path) -> None:
    whole = work(tmp_path / "whole.csv")[0]
    assert list(tmp_path.iterdir()) == []
    out = tmp_path / "out.csv"
    interrupted(out)
    interrupted(out, until=0, resume=True)  # before it has read what is known
    assert work(out, resume=True) == (whole, CHUNKS[2])
    assert list(tmp_path.iterdir()) == []
    assert work(out, resume=True)[0] == whole  # with nothing to go on with, it begins


@pytest.mark.parametrize("cut", [1, 20, 45])
def test_a_line_that_was_cut_off_is_computed_again(tmp_path: Path, cut: int) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    place = journal.place(out)
    place.write_bytes(place.read_bytes()[:-cut])
    assert work(out, resume=True)[1] == CHUNKS[1] + CHUNKS[2]


def test_another_job_is_refused_with_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    with pytest.raises(DataError, match=r"there is an interrupted run .* Go on with it \(--resume\), or start afresh"):
        work(out)
    with pytest.raises(DataError, match=r"the run that was interrupted had another model, another coverage\. Ask for"):
        work(out, resume=True, job={"model": "abd", "coverage": 0.9})
    with pytest.raises(DataError, match=r"from row 3 on, the texts are not those of .* Start afresh \(--overwrite"):
        work(out, [CHUNKS[0], ["other"]], resume=True)
    with pytest.raises(DataError, match=r"from row 3 on, the texts are not those"):
        work(out, CHUNKS[:1], resume=True)
    assert work(out, afresh=True)[1] == [text for texts in CHUNKS for text in texts]


def test_nothing_is_kept_where_the_input_has_to_be_mended(tmp_path: Path) -> None:
    for error in (DataError("a text is no string.", at=Location("a.csv", 3)), DataError("the disk is full.")):
        with pytest.raises(DataError, match=r"no string|is full"):
            work(tmp_path / "out.csv", until=2, error=error)
        assert journal.place(tmp_path / "out.csv").exists() == (error.at is None)


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with (
        journal.opened(out, JOB, False, False),
        pytest.raises(DataError, match="another process writes this file"),
        journal.opened(out, JOB, False, True),
    ):
        pass
    with pytest.raises(DataError, match=r"this cannot be written: No such file"):
        work(tmp_path / "none" / "out.csv")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12,000 rows in 6 chunks, of which the model needs some seconds."""
    path = tmp_path_factory.mktemp("many") / "评论.jsonl"
    text = "a charming, 好看 and moving story of dull people in the evening " * 12
    lines = (json.dumps({"id": row, "text": f"{row} {text}"}, ensure_ascii=False) for row in range(12_000))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("out.csv", signal.SIGKILL),
        ("out.jsonl.gz", signal.SIGKILL),
        ("out.csv.zst", signal.SIGKILL),
        ("out.parquet", signal.SIGKILL),
        ("out.csv", signal.SIGTERM),
    ],
)
def test_an_ended_command_goes_on_to_the_same_bytes(
    cli: Any, tmp_path: Path, model_folder: Path, many: Path, name: str, ending: signal.Signals
) -> None:
    out, whole = tmp_path / name, tmp_path / f"whole-{name}"
    arguments = ["predict", str(model_folder), str(many), "--coverage", "0.9", "--out"]
    with subprocess.Popen([sys.executable, "-m", "tenor", *arguments, str(out)], stderr=subprocess.DEVNULL) as killed:
        place = journal.place(out)
        while killed.poll() is None and not (place.exists() and place.read_bytes().count(b"\n") > 2):
            time.sleep(0.005)
        os.kill(killed.pid, ending)
    assert killed.returncode == (130 if ending == signal.SIGTERM else -signal.SIGKILL)
    assert not out.exists()
    left = list(tmp_path.iterdir())
    assert place in left
    assert len(left) == (1 if ending == signal.SIGTERM else 2)  # a kill leaves the part that was written too

    ended = cli(*arguments, out)
    assert (ended.code, "Go on with it (--resume)" in ended.err) == (1, True)
    ended = cli(*arguments, out, "--resume")
    assert (ended.code, "rows known" in ended.err) == (0, False)
    assert "of them known from the interrupted run" in ended.err
    assert list(tmp_path.iterdir()) == [out]
    assert cli(*arguments, whole).code == 0
    assert out.read_bytes() == whole.read_bytes()
    assert "no interrupted run of it: it is finished" in cli(*arguments, out, "--resume").err


def test_an_output_that_is_an_input_is_refused(cli: Any, tmp_path: Path, model_folder: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    for path in (first, second):
        path.write_text("text\nsuperb\n", encoding="utf-8")
    (tmp_path / "linked.csv").hardlink_to(second)
    texts = tmp_path / "folder" / "good"
    texts.mkdir(parents=True)
    (texts / "1.txt").write_text("superb", encoding="utf-8")
    for source, out in (
        (first, first),
        (tmp_path / "*.csv", second),
        (first, tmp_path / "c" / ".." / "a.csv"),
        (second, tmp_path / "linked.csv"),
        (tmp_path / "folder", texts / "1.txt"),
    ):
        (tmp_path / "c").mkdir(exist_ok=True)
        ended = cli("predict", model_folder, source, "--out", out, "--overwrite")
        assert ended.code == 1
        assert "this is an input, and those are never changed" in ended.err
    assert first.read_text(encoding="utf-8") == "text\nsuperb\n"
    ended = cli("predict", model_folder, first, "--resume")
    assert (ended.code, ended.err.splitlines()[-1]) == (1, "Name the file with --out.")
