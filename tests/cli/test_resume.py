"""`--resume` on what is complete says so and exits with 0, so that a loop that tries until all is done ends."""

import itertools
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.command import Cli
from helpers.families import QUICK
from helpers.rows import english, write_csv
from tenor._core import atomic
from tenor.config.run_config import RunConfig
from tenor.inference import bundle, cache_file, job_record, predict_files, prediction_cache, predictor
from tenor.inference.predict_files import LabelJob
from tenor.training import output, pipeline

SETTINGS = [f"--set={key}={json.dumps(value)}" for key, value in QUICK.items()]
COMPLETE = "output already exists and is complete; nothing to resume."


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def untimed(output: str) -> list[str]:
    """The lines of an output without the time of the command."""
    return [line for line in output.splitlines() if not line.startswith("took ")]


@pytest.fixture
def train(english_csv: Path, tmp_path: Path) -> list[str]:
    return ["train", str(english_csv), "--family", "ngram", "--out", str(tmp_path / "model"), *SETTINGS, "--resume"]


def test_a_model_that_is_there_is_left_as_it_is(cli: Cli, tmp_path: Path, train: list[str]) -> None:
    first = cli(*train)
    assert first.code == 0 and "'ngram' trains in one go, so the run starts from the beginning." in first.err
    before = content(tmp_path)
    again = cli(*train)
    assert (again.code, untimed(again.out)) == (0, untimed(first.out))  # the metrics of the run that made it
    assert f"{tmp_path / 'model'}: {COMPLETE}" in again.err
    told = json.loads(cli(*train, "--json").out)
    assert told["notes"][-1].endswith(COMPLETE) and told["model"] == str(tmp_path / "model")
    assert content(tmp_path) == before


def test_another_run_is_refused_with_what_differs(
    cli: Cli, tmp_path: Path, train: list[str], english_csv: Path
) -> None:
    assert cli(*train).code == 0
    before = content(tmp_path)
    other = write_csv(tmp_path / "other.csv", english(60, seed=1))
    for options, differing in (
        (("--seed", "1"), "seed is 1, was 0; data differs"),  # another seed holds out others
        (("--set", "C=3"), "C is 3.0, was 10.0"),
        (("--class-weight", "balanced"), "class_weight is balanced, was none"),
    ):
        ended = cli(*train, *options)
        assert ended.code == 1 and f"model: this is of another run ({differing})." in ended.err, ended.err
        assert "--overwrite, without --resume" in ended.err
    assert "(data differs)" in cli(train[0], other, *train[2:]).err
    other.unlink()
    assert content(tmp_path) == before
    assert cli(*train, "--seed", "1", "--overwrite").code == 0


def test_a_model_of_an_older_version_is_compared_by_what_it_tells(cli: Cli, tmp_path: Path, train: list[str]) -> None:
    assert cli(*train).code == 0
    saved = bundle.load(tmp_path / "model")
    del saved.metadata["run"]
    bundle.save(saved, tmp_path / "model", overwrite=True)
    assert COMPLETE in cli(*train).err
    assert "(seed is 1, was 0; data differs)" in cli(*train, "--seed", "1").err


def test_without_a_folder_the_last_run_is_found(
    cli: Cli, tmp_path: Path, english_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", str(english_csv), "--family", "ngram", *SETTINGS]
    assert cli(*command).code == 0
    assert cli(*command, "--seed", "1", "--resume").code == 0  # nobody named the first, so this is another
    assert f"runs/reviews-ngram-2: {COMPLETE}" in cli(*command, "--seed", "1", "--resume").err
    assert sorted(path.name for path in Path("runs").iterdir()) == ["reviews-ngram", "reviews-ngram-2"]


def test_a_first_model_of_a_run_that_was_killed_is_not_taken_for_its_end(
    cli: Cli, tmp_path: Path, train: list[str]
) -> None:
    assert cli(*train).code == 0
    saved = bundle.load(tmp_path / "model")
    # as the family auto saves it before it is through
    bundle.save(replace(saved, metrics=saved.metrics.with_timing(total_s=None)), tmp_path / "model", overwrite=True)
    ended = cli(*train)
    assert ended.code == 0 and COMPLETE not in ended.err and "starts from the beginning" in ended.err
    assert bundle.load(tmp_path / "model").metrics.is_final


def test_checkpoints_that_a_kill_left_beside_a_model_are_removed(cli: Cli, tmp_path: Path, train: list[str]) -> None:
    assert cli(*train).code == 0
    unfinished = output.training_folder(tmp_path / "model")
    unfinished.mkdir()
    (unfinished / "checkpoint.safetensors").write_bytes(b"all of it")
    ended = cli(*train)
    assert ended.code == 0 and COMPLETE in ended.err
    assert not unfinished.exists()


def test_checkpoints_go_through_no_link(cli: Cli, tmp_path: Path, train: list[str]) -> None:
    (tmp_path / "victim").mkdir()
    output.training_folder(tmp_path / "model").symlink_to(tmp_path / "victim")
    ended = cli(*train)
    assert ended.code == 1 and "model.training: this is a link, and checkpoints are written through none." in ended.err


def test_a_search_that_is_complete_says_so(cli: Cli, tmp_path: Path, english_csv: Path, monkeypatch: Any) -> None:
    pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    command = ["tune", str(english_csv), "--trials", "2", "--set", "word_ngrams=[1]", "--resume"]
    first = cli(*command)
    assert first.code == 0 and COMPLETE not in first.err
    folder = Path("runs/reviews-ngram-tuning")
    (folder / "best.toml").unlink()  # it was killed before it wrote that
    again = cli(*command)
    assert (again.code, again.out) == (0, first.out)
    assert f"{folder}: {COMPLETE}" in again.err
    assert (folder / "best.toml").is_file()
    assert [path.name for path in Path("runs").iterdir()] == [folder.name]
    victim = tmp_path / "victim.db"
    victim.write_bytes((folder / "study.db").read_bytes())
    (folder / "study.db").unlink()
    (folder / "study.db").symlink_to(victim)
    ended = cli(*command, "--out", folder)
    assert ended.code == 1 and "study.db: this is not a regular file" in ended.err


def test_a_disk_that_is_full_during_a_search_is_told(
    cli: Cli, tmp_path: Path, english_csv: Path, full_disk: Any
) -> None:
    pytest.importorskip("optuna")
    command = ["tune", str(english_csv), "--out", tmp_path / "search", "--set", "word_ngrams=[1]", "--trials"]
    assert cli(*command, "1").code == 0
    with full_disk(100):
        ended = cli(*command, "1")
    assert (
        ended.code == 1
        and "search: the search cannot be written: File too large.\nFinished trials are kept" in ended.err
    )
    assert cli(*command, "1").code == 0


def test_a_labelled_file_that_is_complete_says_so(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    source, out = write_csv(tmp_path / "in.csv", english(10)), tmp_path / "out.csv"
    command = ["predict", str(model_folder), str(source), "-o", str(out), "--resume"]
    assert cli(*command).code == 0
    before = content(tmp_path)
    ended = cli(*command)
    assert (ended.code, ended.err) == (0, f"{out}: {COMPLETE}\n")
    ended = cli(*command, "--coverage", "0.9")
    assert ended.code == 1 and "out.csv: this is complete, and has other columns: text, label, " in ended.err
    assert content(tmp_path) == before
    os.utime(source, ns=(out.stat().st_mtime_ns + 1,) * 2)
    ended = cli(*command)
    assert ended.code == 1 and "in.csv has changed since.\nUse it, or start again (--overwrite" in ended.err


def test_labelled_files_that_are_complete_say_so(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_csv(tmp_path / "in" / f"{name}.csv", english(4))
    command = ["predict", str(model_folder), str(tmp_path / "in"), "-o", f"{tmp_path}/out/", "--resume"]
    first = cli(*command)
    assert first.code == 0 and COMPLETE not in first.err
    before = content(tmp_path)
    ended = cli(*command)
    assert ended.code == 0 and f"{tmp_path}/out/: {COMPLETE}" in ended.err
    assert content(tmp_path) == before


class Killed(BaseException):
    """From here on nothing changes on the disk, as after a kill: what would clean up fails in the same way."""


def test_a_loop_that_labels_until_all_is_done_ends(tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        write_csv(tmp_path / "in" / f"{name}.csv", english(4, seed=ord(name)))
    loaded = predictor.load(model_folder)

    def work(out: Path, most: float = math.inf) -> None:
        """Label, and be killed at a call after so many that change something on the disk."""
        calls = itertools.count()

        def counted(function: Any) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                if next(calls) >= most:
                    raise Killed
                return function(*arguments, **options)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in ("mkdir", "fsync", "rename", "replace", "unlink"):
                patch.setattr(os, name, counted(getattr(os, name)))
            job = LabelJob(model_folder, str(tmp_path / "in"), str(out))
            left, record = predict_files.plan_job(job)
            list(predict_files.label_shards(loaded, left, job, record))

    def made(out: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in out.iterdir() if path.name != job_record.RECORD}

    work(tmp_path / "whole")
    for first in (0, 4, 8):
        out, most = tmp_path / str(first), first
        while True:
            try:
                work(out, most)
            except Killed:
                most += 1
                assert most < 60
                continue
            break
        assert most > first
        assert made(out) == made(tmp_path / "whole")  # and nothing that a kill left


def test_a_file_whose_journal_a_kill_left_is_written_again(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    """The kill came between the file's new name and the end of the journal."""
    source, out = write_csv(tmp_path / "in.csv", english(10)), tmp_path / "out.csv"
    command = ["predict", str(model_folder), str(source), "-o", str(out), "--resume"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction_cache.PredictionCache, "remove", lambda self: None)
        assert cli(*command).code == 0
    before = out.read_bytes()
    assert cache_file.cache_path(out).exists()
    ended = cli(*command)
    assert ended.code == 0 and "10 of them known from the interrupted run" in ended.err
    assert (out.read_bytes(), cache_file.cache_path(out).exists()) == (before, False)


def test_an_old_model_that_a_kill_hid_is_found_by_a_run_that_goes_on(
    cli: Cli, tmp_path: Path, train: list[str]
) -> None:
    assert cli(*train).code == 0
    (tmp_path / "model").rename(tmp_path / ".model.0123abcd.old")
    assert atomic.existing_path(tmp_path / "model").name == ".model.0123abcd.old"
    assert COMPLETE in cli(*train).err


def test_in_python_a_run_that_is_complete_gives_its_model(tmp_path: Path, english_csv: Path) -> None:
    run = RunConfig(str(english_csv), family="ngram", out=str(tmp_path / "model"), settings=QUICK)
    first = pipeline.train(run)
    again = pipeline.train(RunConfig(**{**vars(run), "resume": True}))
    assert (again.folder, again.metrics) == (first.folder, first.metrics)
