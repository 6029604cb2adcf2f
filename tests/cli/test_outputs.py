"""Outputs that would damage something: a saved model, or one another. And encodings that need a mark."""

from pathlib import Path

import pytest
from tests.helpers.command import Cli

import tenor
from tenor.errors import BundleError


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "a fine film,positive\na boring story,negative\n" * 12)
    return path


def test_nothing_is_written_into_a_saved_model(cli: Cli, model_folder: Path, rows: Path) -> None:
    before = sorted(each.name for each in model_folder.iterdir())
    for command in (
        ["predict", model_folder, rows, "-o", model_folder],
        ["predict", model_folder, rows, "-o", model_folder / "labelled.csv"],
        ["predict", model_folder, rows, "-o", f"{model_folder / 'labelled'}/"],
        ["predict", model_folder, rows, "--review", model_folder / "review.csv", "--review-rows", "3"],
        ["check", rows, "--fix", model_folder / "fixed.csv"],
        ["train", rows, "--family", "ngram", "--no-report", "--out", model_folder / "inner"],
    ):
        ended = cli(*command)
        assert ended.code == 1
        assert f"{model_folder} is a saved model, and further files would damage it." in ended.err
    model = tenor.load(model_folder)
    with pytest.raises(BundleError, match="is a saved model, and further files would damage it"):
        model.save(model_folder / "inner")
    assert sorted(each.name for each in model_folder.iterdir()) == before


def test_two_outputs_are_two_files(cli: Cli, model_folder: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    ended = cli("predict", model_folder, rows, "-o", out, "--review", tmp_path / "." / "out.csv", "--review-rows", "3")
    assert (ended.code, out.exists()) == (1, False)
    assert "out.csv: --out and --review name the same file.\nName two files." in ended.err
    ended = cli("check", rows, "--labels", "--fix", out, "--review", out)
    assert (ended.code, out.exists()) == (1, False)
    assert "out.csv: --fix and --review name the same file." in ended.err


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.txt"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_wide_encoding_without_its_mark_is_an_error_in_words(
    cli: Cli, tmp_path: Path, name: str, encoding: str
) -> None:
    path = tmp_path / name
    path.write_text("text,label\na,b\n", encoding="utf-8")
    ended = cli("check", path, "--encoding", encoding)
    assert ended.code == 1
    assert f"this is not valid {encoding.upper()}: " in ended.err
