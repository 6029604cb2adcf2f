"""A job that was interrupted goes on, and gives what an unbroken one gives."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tenor.errors import BundleError, DataError, Location, WriteError
from tenor.inference import cache_file, prediction_cache

JOB = {"model": "abc", "coverage": None}
CHUNKS = [["a", "好"], ["b"], ["c\n", ""]]


def work(out: Path, chunks: list[list[str]] = CHUNKS, until: int = 99, **how: Any) -> tuple[list[Any], list[str]]:
    """Go through chunks, as far as `until`, where it breaks. Returns all values, and the texts that were computed."""
    computed: list[str] = []

    def compute(texts: list[str]) -> prediction_cache.Values:
        computed.extend(texts)
        return [[len(text) / 3 for text in texts], [None for _ in texts]]

    result = []
    asked = how.pop("job", JOB), how.pop("resume", False), how.pop("afresh", False)
    with prediction_cache.open_cache(out, *asked, how.pop("say", pytest.fail)) as kept:
        for number, texts in enumerate(chunks):
            if number == until:
                raise how.pop("error", KeyboardInterrupt)
            result.append(kept.next_values(texts, 2, compute))
        kept.finish()
    return result, computed


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
    place = cache_file.cache_path(out)
    place.write_bytes(place.read_bytes()[:-cut])
    assert work(out, resume=True)[1] == CHUNKS[1] + CHUNKS[2]


def test_another_job_is_refused_with_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    with pytest.raises(
        DataError, match=r"there is an interrupted run .* Continue it \(`resume=True`\), or start again"
    ):
        work(out)
    with pytest.raises(
        DataError, match=r"the run that was interrupted had another model, another coverage\. Use the same"
    ):
        work(out, resume=True, job={"model": "abd", "coverage": 0.9})
    with pytest.raises(DataError, match=r"from row 3 on, the texts are not those of .* Start again \(`overwrite=True`"):
        work(out, [CHUNKS[0], ["other"]], resume=True)
    with pytest.raises(DataError, match=r"from row 3 on, the texts are not those"):
        work(out, CHUNKS[:1], resume=True)
    assert work(out, afresh=True)[1] == [text for texts in CHUNKS for text in texts]


def test_nothing_is_kept_where_the_input_has_to_be_mended(tmp_path: Path) -> None:
    for error in (
        DataError("a text is no string.", at=Location("a.csv", 3)),
        DataError("a column does not fit Parquet."),
        BundleError("the model fails."),
        WriteError("the disk is full."),
    ):
        with pytest.raises(type(error), match=r"no string|does not fit|fails|is full"):
            work(tmp_path / "out.csv", until=2, error=error)
        assert cache_file.cache_path(tmp_path / "out.csv").exists() == isinstance(error, WriteError)


PLANTED = {
    "a link": lambda place, victim: place.symlink_to(victim),
    "a link that leads nowhere": lambda place, victim: place.symlink_to(victim.with_name("nowhere")),
    "a second name": lambda place, victim: place.hardlink_to(victim),
    "a file": lambda place, victim: place.write_bytes(victim.read_bytes()),
    "a folder": lambda place, victim: place.mkdir(),
    "a pipe": lambda place, victim: os.mkfifo(place),
}


@pytest.mark.parametrize("planted", list(PLANTED))
@pytest.mark.parametrize("options", [(), ("--overwrite",), ("--resume",)])
def test_what_stands_at_the_name_of_the_journal_is_left_as_it_is(
    cli: Any, tmp_path: Path, model_folder: Path, english_csv: Path, planted: str, options: tuple[str, ...]
) -> None:
    victim, out = tmp_path / "victim", tmp_path / "d" / "out.csv"
    victim.write_bytes(b"precious\n")
    out.parent.mkdir()
    place = cache_file.cache_path(out)
    PLANTED[planted](place, victim)
    before = place.lstat()[:7]  # not when it was read
    ended = cli("predict", model_folder, english_csv, "-o", out, *options)
    assert ended.code == 1 and "this is not such a file" in ended.err and "Move it elsewhere" in ended.err
    assert (victim.read_bytes(), place.lstat()[:7], sorted(tmp_path.iterdir())) == (
        b"precious\n",
        before,
        [out.parent, victim],
    )
    assert list(out.parent.iterdir()) == [place]


def test_what_an_interrupted_run_left_under_another_name_is_not_taken_over(tmp_path: Path) -> None:
    out, other = tmp_path / "out.csv", tmp_path / "other.csv"
    interrupted(out)
    cache_file.cache_path(out).rename(cache_file.cache_path(other))
    with pytest.raises(DataError, match=r"other\.csv: the run that was interrupted had another file\. Use the same"):
        work(other, resume=True)


@pytest.mark.parametrize("kept", [0, 7, 20, 40])
def test_a_journal_that_was_cut_off_in_its_head_is_begun_again(tmp_path: Path, kept: int) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    place = cache_file.cache_path(out)
    place.write_bytes(place.read_bytes()[:kept])
    assert work(out)[1] == [text for texts in CHUNKS for text in texts]
    assert list(tmp_path.iterdir()) == []


def test_values_that_do_not_fit_their_texts_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    place = cache_file.cache_path(out)
    magic, head, first, _ = place.read_bytes().splitlines(keepends=True)
    forged = json.loads(first[9:])
    forged["values"][0].append(1.0)
    content = json.dumps(forged).encode()
    place.write_bytes(magic + head + b"%08x %s\n" % (zlib.crc32(content), content))
    with pytest.raises(DataError, match=r"from row 1 on, the texts are not those of the run that was interrupted"):
        work(out, resume=True)


def line(content: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(content), content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{nojson", "it is not JSON"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"[" * 100_000, "it has more than 60 levels"),
        (b"null", "it contains null, not an object"),
        (b'{"x": 1}', "field 'texts': it is missing"),
        (b'{"texts": 1, "values": []}', "field 'texts': it is 1, not a string"),
        (b'{TEXTS, "values": null}', "field 'values': it is null, not a list"),
        (b'{TEXTS, "values": [["a", "b"]]}', "field 'values': it has 1 items, not 2"),
        (b'{TEXTS, "values": [["a", "b"], [1, 1], [1, 1]]}', "field 'values': it has 3 items, and 2 are allowed"),
        (b'{TEXTS, "values": [5, 6]}', r"field 'values\[0\]': it is not a column of strings, of numbers, or of lists"),
        (b'{TEXTS, "values": [["a", "b"], [1, "c"]]}', r"field 'values\[1\]': it is not a column"),
        (b'{TEXTS, "values": [["a", "b"], [null, true]]}', r"field 'values\[1\]': it is not a column"),
        (b'{TEXTS, "values": [["a", "b"], [{"a": 1}, null]]}', r"field 'values\[1\]': it is not a column"),
        (b'{TEXTS, "values": [["a", "b"], [["c"], [1]]]}', r"field 'values\[1\]': it is not a column"),
        (
            b'{TEXTS, "values": [["a", "b"], [1, %s]]}' % (b"9" * 5_000),
            r"field 'values\[1\]\[1\]': 9+ is not a usable number",
        ),
        (b'{TEXTS, "values": [["\\ud800", "b"], [1, 1]]}', r"field 'values\[0\]\[0\]': it contains a lone surrogate"),
    ],
)
def test_a_forged_line_is_refused_in_words(tmp_path: Path, content: bytes, problem: str) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    place = cache_file.cache_path(out)
    magic, head, first, _ = place.read_bytes().splitlines(keepends=True)
    texts = b'"texts": "%s"' % json.loads(first[9:])["texts"].encode()
    place.write_bytes(magic + head + line(content.replace(b"TEXTS", texts)))
    told = rf"\.predicted: from row 1 on, this is not a file of predictions: .*{problem}.*\. Start again \(`overwrite"
    for _ in range(2):  # and it is kept
        with pytest.raises(DataError, match=told):
            work(out, resume=True)
    assert work(out, afresh=True)[1] == [text for texts in CHUNKS for text in texts]


@pytest.mark.parametrize("content", [b"[1]", b'"x"', b"[" * 100_000, b"{"])
def test_a_journal_of_no_job_is_left_alone(tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "out.csv"
    place = cache_file.cache_path(out)
    place.write_bytes(b"tenor predictions 1\n" + line(content))
    for how in ({}, {"resume": True}, {"afresh": True}):
        with pytest.raises(DataError, match=r"this is not such a file of yours\. Move it elsewhere"):
            work(out, **how)
    assert place.read_bytes().endswith(line(content))


def test_a_journal_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.csv"
    interrupted(out)
    place = cache_file.cache_path(out)
    assert place.stat().st_mode & 0o777 == 0o600
    before = place.read_bytes()
    with monkeypatch.context() as patch:
        user = os.geteuid()
        patch.setattr(os, "geteuid", lambda: user + 1)
        for how in ({}, {"resume": True}, {"afresh": True}):
            with pytest.raises(
                DataError, match=r"\.predicted: .* this is not such a file of yours\. Move it elsewhere"
            ):
                work(out, **how)
    assert place.read_bytes() == before
    assert work(out, resume=True)[1] == CHUNKS[2]


def test_an_output_whose_name_is_not_utf8_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "\udcff.csv"
    try:
        interrupted(out)
    except (DataError, UnicodeError):
        pytest.skip("this file system has no such names")
    assert work(out, resume=True)[1] == CHUNKS[2]


def test_a_journal_without_room_does_not_end_a_job_that_has_room(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    out, said = tmp_path / "out.csv", list[str]()
    whole = work(out)[0]
    with full_disk(150):
        assert work(out, say=said.append)[0] == whole
    assert said == [f"{cache_file.cache_path(out)}: no more predictions can be kept for `resume=True`: File too large."]
    assert list(tmp_path.iterdir()) == []
    with full_disk(150):
        interrupted(out, say=said.append)
    assert work(out, resume=True)[0] == whole  # what is there is whole lines
    with (
        full_disk(30),
        pytest.raises(WriteError, match=r"\.out\.csv\.predicted: this cannot be written: File too large"),
    ):
        work(out)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with (
        prediction_cache.open_cache(out, JOB, False, False),
        pytest.raises(DataError, match="another process writes this file"),
        prediction_cache.open_cache(out, JOB, False, True),
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
        place = cache_file.cache_path(out)
        while killed.poll() is None and not (place.exists() and place.read_bytes().count(b"\n") > 2):
            time.sleep(0.005)
        os.kill(killed.pid, ending)
    assert killed.returncode == (130 if ending == signal.SIGTERM else -signal.SIGKILL)
    assert not out.exists()
    left = list(tmp_path.iterdir())
    assert place in left
    assert len(left) == (1 if ending == signal.SIGTERM else 2)  # a kill leaves the part that was written too

    ended = cli(*arguments, out)
    assert (ended.code, "Continue it (--resume)" in ended.err) == (1, True)
    ended = cli(*arguments, out, "--resume")
    assert (ended.code, "rows known" in ended.err) == (0, False)
    assert "of them known from the interrupted run" in ended.err
    assert list(tmp_path.iterdir()) == [out]
    assert cli(*arguments, whole).code == 0
    assert out.read_bytes() == whole.read_bytes()
    ended = cli(*arguments, out, "--resume")
    assert (ended.code, ended.err) == (0, f"{out}: output already exists and is complete; nothing to resume.\n")


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


def test_standard_input_is_not_written_over(tmp_path: Path, model_folder: Path) -> None:
    self, other = tmp_path / "self.txt", tmp_path / "other.txt"
    self.write_text("superb\n", encoding="utf-8")
    other.hardlink_to(self)

    def predict(*arguments: object, output: Any = subprocess.PIPE) -> tuple[int, str]:
        command = [sys.executable, "-m", "tenor", "predict", str(model_folder), *map(str, arguments)]
        with self.open("rb") as stream:
            ended = subprocess.run(command, stdin=stream, stdout=output, stderr=subprocess.PIPE, timeout=120, text=True)
        return ended.returncode, ended.stderr

    for out in (self, other):
        code, told = predict("-", "-o", out, "--overwrite")
        assert (code, told.splitlines()[0]) == (
            1,
            f"error: {out}: this is standard input, and inputs are never changed.",
        )
    with self.open("ab") as stream:
        code, told = predict("-", output=stream)
    assert (code, told.splitlines()[0]) == (1, "error: standard output is a file that is read, too.")
    assert self.read_text(encoding="utf-8") == "superb\n"
    assert sorted(tmp_path.iterdir()) == [other, self]
