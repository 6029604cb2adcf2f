"""Files labelled one by one into a folder: what is through stays, and what does not fit is refused."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenor.errors import DataError
from tenor.inference import job_record, predict_files, predictor
from tenor.inference.predict_files import LabelJob
from tenor.inference.predict_table import ConformalOptions

Cli = Callable[..., Any]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, word in enumerate(["superb", "dull", "很好"]):
        (folder / f"{number}.csv").write_text(f"id,text\n{number},a {word} film\n{number}b,\n", encoding="utf-8")
    return folder


def run(job: LabelJob, overwrite: bool = False) -> list[int]:
    left, record = predict_files.plan_job(job, overwrite)
    return list(predict_files.label_shards(predictor.load(job.model), left, job, record))


def test_the_files_together_are_what_one_file_would_be(
    tmp_path: Path, parts: Path, model_folder: Path, cli: Cli
) -> None:
    ended = cli("predict", model_folder, f"{parts}/*.csv", "-o", f"{tmp_path}/out/")
    assert ended.code == 0 and "6 rows in 3 files, 3 of them without a text" in ended.err
    assert cli("predict", model_folder, f"{parts}/*.csv", "-o", tmp_path / "whole.csv").code == 0
    lines = [(tmp_path / "out" / f"{number}.csv").read_text(encoding="utf-8").splitlines() for number in range(3)]
    whole = (tmp_path / "whole.csv").read_text(encoding="utf-8").splitlines()
    assert [line for file in lines for line in file[1:]] == whole[1:]
    assert {file[0] for file in lines} == {whole[0]}


def test_a_job_goes_on_where_it_ended(tmp_path: Path, parts: Path, model_folder: Path, cli: Cli) -> None:
    job = LabelJob(model_folder, str(parts), str(tmp_path / "out"))
    left, record = predict_files.plan_job(job)
    through = predict_files.label_shards(predictor.load(model_folder), left, job, record)
    assert next(through) == 2
    through.close()
    first = tmp_path / "out" / "0.csv"
    changed = first.stat().st_mtime_ns
    ended = cli("predict", model_folder, parts, "-o", tmp_path / "out")
    assert "1 file is labelled already." in ended.err and "6 rows in 3 files, 3 of them without" in ended.err
    assert first.stat().st_mtime_ns == changed
    (tmp_path / "out" / "1.csv").unlink()  # one that was lost is made again
    assert run(job) == [6]


def test_what_is_compressed_stays_so(tmp_path: Path, parts: Path, model_folder: Path) -> None:
    (parts / "0.csv.gz").write_bytes(gzip.compress((parts / "0.csv").read_bytes()))
    assert run(LabelJob(model_folder, str(parts / "0.*"), str(tmp_path / "out"))) == [2, 4]
    assert gzip.decompress((tmp_path / "out" / "0.csv.gz").read_bytes()) == (tmp_path / "out" / "0.csv").read_bytes()


def test_what_has_changed_is_refused_and_can_be_done_anew(tmp_path: Path, parts: Path, model_folder: Path) -> None:
    job = LabelJob(model_folder, str(parts), str(tmp_path / "out"))
    assert run(job) == [2, 4, 6]
    with pytest.raises(DataError, match="labelled with another promise"):
        run(LabelJob(model_folder, str(parts), str(tmp_path / "out"), conformal=ConformalOptions(0.9)))
    (parts / "1.csv").write_text("id,text\n1,fine\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"1\.csv: this has changed since it was labelled"):
        run(job)
    assert run(job, overwrite=True) == [2, 3, 5]
    (tmp_path / "out" / job_record.RECORD).write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="this is not the record of a job"):
        run(job)


ENTRY = {"source": "a.csv", "name": "a.csv", "size": 1, "version": "1", "rows": 1, "empty": 0}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"files": [1, 2]}', "field 'files': it is a list, not an object"),
        (b'{"files": {"a.csv": 5}}', r"field 'files\.a\.csv': it is 5, not an object"),
        (
            json.dumps({"files": {"a": {**ENTRY, "rows": "1"}}}).encode(),
            r"field 'files\.a\.rows': it is '1', not a whole",
        ),
        (json.dumps({"files": {"a": {**ENTRY, "empty": None}}}).encode(), r"field 'files\.a\.empty': it is null"),
        (b'{"files": {"a": {"size": ' + b"9" * 5_000 + b"}}}", "is not a usable number"),
        (b"[" * 100_000, "it has more than 60 levels"),
    ],
)
def test_a_record_of_something_else_is_refused(
    tmp_path: Path, parts: Path, model_folder: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / job_record.RECORD).write_bytes(content)
    with pytest.raises(DataError, match=rf"_labelled\.json: this is not the record of a job: .*{problem}"):
        predict_files.plan_job(LabelJob(model_folder, str(parts), str(tmp_path / "out")))


def test_a_record_is_a_regular_file_of_bounded_size(tmp_path: Path, parts: Path, model_folder: Path) -> None:
    place = tmp_path / "out" / job_record.RECORD
    place.parent.mkdir()
    job = LabelJob(model_folder, str(parts), str(tmp_path / "out"))
    os.mkfifo(place)
    with pytest.raises(DataError, match="not the record of a job: it is not a plain file"):
        predict_files.plan_job(job)
    place.unlink()
    place.symlink_to("/dev/zero")
    with pytest.raises(DataError, match="not the record of a job: it is not a plain file but a link"):
        predict_files.plan_job(job)
    place.unlink()
    place.touch()
    os.truncate(place, 1 << 40)
    with pytest.raises(DataError, match="not the record of a job: it is 1,099,511,627,776 bytes long, and"):
        predict_files.plan_job(job)


def test_files_whose_names_are_not_utf8_are_known_again(tmp_path: Path, parts: Path, model_folder: Path) -> None:
    try:
        (parts / "2.csv").rename(parts / "\udcff.csv")
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    job = LabelJob(model_folder, str(parts), str(tmp_path / "out"))
    assert run(job) == [2, 4, 6]
    assert run(job) == []


def test_what_would_be_lost_or_mixed_is_refused(tmp_path: Path, parts: Path, model_folder: Path, cli: Cli) -> None:
    with pytest.raises(DataError, match="this is the folder of the input"):
        run(LabelJob(model_folder, str(parts), str(parts)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "0.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"0\.csv: this exists already"):
        run(LabelJob(model_folder, str(parts), str(tmp_path / "mine")))
    assert (tmp_path / "mine" / "0.csv").read_text(encoding="utf-8") == "mine"
    for name in ("one", "two"):
        (tmp_path / "both" / name).mkdir(parents=True)
        (tmp_path / "both" / name / "a.jsonl").write_text('{"text": "fine"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"would both become a\.jsonl"):
        run(LabelJob(model_folder, str(tmp_path / "both" / "**" / "*.jsonl"), str(tmp_path / "out")))
    with pytest.raises(DataError, match="there is no such file"):
        run(LabelJob(model_folder, str(parts / "no.csv"), str(tmp_path / "out")))
    assert "--on labels files into a folder" in cli("predict", model_folder, parts, "--on", "ray").err


def test_files_of_another_file_system_are_labelled_there(parts: Path, model_folder: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for path in parts.iterdir():
        memory.pipe_file(f"/texts/{path.name}", path.read_bytes())
    job = LabelJob(model_folder, "memory://texts/*.csv", "memory://labelled")
    assert run(job) == [2, 4, 6]
    assert run(job) == []
    run(LabelJob(model_folder, str(parts), str(tmp_path / "out")))
    for number in range(3):
        assert memory.cat_file(f"/labelled/{number}.csv") == (tmp_path / "out" / f"{number}.csv").read_bytes()
    assert len(json.loads(memory.cat_file(f"/labelled/{job_record.RECORD}"))["files"]) == 3
    with pytest.raises(DataError, match="nowhere://x"):
        run(LabelJob(model_folder, "nowhere://x", "memory://labelled"))
    memory.rm("/texts", recursive=True)
    memory.rm("/labelled", recursive=True)
