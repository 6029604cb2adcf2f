"""Disks that are full, folders that vanish and links that somebody planted: told in words, with the old file whole."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.command import Cli
from helpers.rows import english, write_csv
from tenor.inference import job_record


def long(path: Path, rows: int = 3_000) -> Path:
    """Rows that take more than 1 MiB."""
    text = "a superb and charming film that moved us all on a warm evening " * 6
    path.write_text("text\n" + "".join(f"{number} {text}\n" for number in range(rows)), encoding="utf-8")
    return path


def test_a_disk_that_is_full_is_told_and_the_run_goes_on_when_there_is_room(
    cli: Cli, tmp_path: Path, model_folder: Path, small_disk: Path
) -> None:
    source, out = long(tmp_path / "in.csv"), small_disk / "out.csv"
    out.write_text("old", encoding="utf-8")
    ended = cli("predict", model_folder, source, "-o", out, "--overwrite")
    assert ended.code == 1 and "out.csv: the file cannot be written: No space left on device.\nNothing" in ended.err
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in small_disk.iterdir()) == [".out.csv.predicted", "out.csv"]
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    ended = cli("predict", model_folder, source, "-o", out, "--resume")
    assert ended.code == 0 and "known from the interrupted run" in ended.err
    assert [path.name for path in small_disk.iterdir()] == ["out.csv"]


def test_a_disk_that_is_full_among_several_files_keeps_what_is_through(
    cli: Cli, tmp_path: Path, model_folder: Path, small_disk: Path
) -> None:
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in" / "a.csv", english(4))
    long(tmp_path / "in" / "b.csv")
    command = ["predict", model_folder, tmp_path / "in", "-o", f"{small_disk}/out/"]
    ended = cli(*command)
    assert ended.code == 1 and "b.csv: the file cannot be written: No space left on device." in ended.err
    assert sorted(path.name for path in (small_disk / "out").iterdir()) == [job_record.RECORD, "a.csv"]
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    ended = cli(*command)
    assert ended.code == 0 and "1 file is labelled already." in ended.err


def shrink(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def test_a_workbook_without_room_leaves_nothing(cli: Cli, tmp_path: Path, model_folder: Path, small_disk: Path) -> None:
    shrink(small_disk, "12k")
    ended = cli("predict", model_folder, long(tmp_path / "in.csv"), "-o", small_disk / "out.xlsx")
    assert ended.code == 1 and "out.xlsx: the file cannot be written: No space left on device.\nNothing" in ended.err
    assert list(small_disk.iterdir()) == []


def test_a_search_without_room_leaves_nothing(cli: Cli, english_csv: Path, small_disk: Path) -> None:
    pytest.importorskip("optuna")
    shrink(small_disk, "60k")
    command = ["tune", english_csv, "--family", "ngram", "--set", "word_ngrams=[1]", "--out", small_disk / "search"]
    ended = cli(*command, "--trials", "1")
    assert ended.code == 1 and "search: the search cannot be written: database or disk is full." in ended.err
    assert list(small_disk.iterdir()) == []
    shrink(small_disk, "1m")
    assert cli(*command, "--trials", "1").code == 0


def test_a_record_without_room_is_told(cli: Cli, tmp_path: Path, model_folder: Path, full_disk: Any) -> None:
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in" / "a.csv", english(4))
    with full_disk(10):
        ended = cli("predict", model_folder, tmp_path / "in", "-o", f"{tmp_path}/out/")
    assert ended.code == 1 and "_labelled.json: this cannot be written: File too large.\nFinished parts" in ended.err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_limit_of_the_shell_is_told(tmp_path: Path, model_folder: Path, english_csv: Path) -> None:
    """`ulimit -f`, for the file in --out and for standard output."""
    tenor = f"exec {sys.executable} -m tenor predict {model_folder} {long(tmp_path / 'in.csv')}"

    def limited(command: str) -> tuple[int, str]:
        # Under `make coverage` the command would need room for what is measured, too.
        shell = f"unset COVERAGE_PROCESS_CONFIG; ulimit -f 8; {command}"
        ended = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=120)
        return ended.returncode, ended.stderr

    code, told = limited(f"{tenor} -o {tmp_path}/out.csv")
    assert code == 1 and "out.csv: the file cannot be written: File too large.\nNothing was changed" in told
    assert not (tmp_path / "out.csv").exists()
    code, told = limited(f"{tenor} > {tmp_path}/printed.csv")
    assert (code, told) == (1, "error: standard output: File too large.\nFree some space.\n")


def test_a_folder_that_vanishes_is_told(
    cli: Cli, tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenor.inference import predict_file

    source, folder = write_csv(tmp_path / "in.csv", english(4)), tmp_path / "out"
    folder.mkdir()
    label = predict_file.label_table

    def vanishing(*arguments: Any) -> Any:
        result = label(*arguments)
        folder.rename(tmp_path / "elsewhere")
        return result

    monkeypatch.setattr(predict_file, "label_table", vanishing)
    ended = cli("predict", model_folder, source, "-o", folder / "out.csv")
    assert ended.code == 1 and "out.csv: the file cannot be written: No such file or directory." in ended.err


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.csv.gz"])
def test_a_link_at_the_name_of_the_output_is_replaced_and_its_target_kept(
    cli: Cli, tmp_path: Path, model_folder: Path, name: str
) -> None:
    source, out, victim = write_csv(tmp_path / "in.csv", english(4)), tmp_path / name, tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    out.symlink_to(victim)
    ended = cli("predict", model_folder, source, "-o", out)
    assert ended.code == 1 and "this exists already" in ended.err
    assert cli("predict", model_folder, source, "-o", out, "--overwrite").code == 0
    assert victim.read_text(encoding="utf-8") == "precious" and not out.is_symlink()
    out.unlink()
    out.symlink_to(tmp_path / "nowhere")
    ended = cli("predict", model_folder, source, "-o", out)
    assert ended.code == 1 and "this exists already" in ended.err
    assert not (tmp_path / "nowhere").exists()


def test_links_in_the_folder_of_several_files_are_not_followed(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in" / "a.csv", english(4))
    victim, out = tmp_path / "victim", tmp_path / "out"
    victim.write_text(json.dumps({"files": {}}), encoding="utf-8")
    before = victim.read_bytes()
    out.mkdir()
    (out / "a.csv").symlink_to(victim)
    ended = cli("predict", model_folder, tmp_path / "in", "-o", out)
    assert ended.code == 1 and "a.csv: this exists already" in ended.err
    (out / job_record.RECORD).symlink_to(victim)
    assert cli("predict", model_folder, tmp_path / "in", "-o", out, "--overwrite").code == 0
    assert victim.read_bytes() == before
    assert not any(path.is_symlink() for path in out.iterdir())


def test_a_page_is_not_written_over_its_input(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    source = write_csv(tmp_path / "in.csv", english(4))
    (tmp_path / "page.html").hardlink_to(source)
    ended = cli("explain", model_folder, source, "--html", tmp_path / "page.html", "--overwrite")
    assert ended.code == 1 and "page.html: this is an input, and those are never changed." in ended.err
