"""Options of files that would do nothing are refused, and those that have a use are not."""

import zipfile
from pathlib import Path

import pytest
from tests.helpers.command import Cli

from tenor.data.io.file_options import FileOptions
from tenor.data.io.used_options import require_used
from tenor.errors import SettingsError

ENCODING, QUOTING = FileOptions(encoding="cp1252"), FileOptions(quoting="none")
HEADER, SHEET = FileOptions(header=False), FileOptions(sheet="A")


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        (ENCODING, "a.parquet", r"^`encoding=...` is for text files, and there is none in the data\."),
        (ENCODING, "a.xlsx", "is for text files"),
        (QUOTING, "a.jsonl", r"^`quoting=...` is for delimited files \(.csv, .tsv\), and there is none"),
        (QUOTING, "a.xlsx", "is for delimited files"),
        (HEADER, "a.json.gz", r"^`header=False` is for delimited files \(.csv, .tsv\) and workbooks, and there is"),
        (HEADER, "a.parquet", "is for delimited files"),
        (SHEET, "a.csv", r"^`sheet=...` is for workbooks \(.xlsx\), and there is none"),
    ],
)
def test_an_option_without_a_use_is_refused(options: FileOptions, name: str, message: str, tmp_path: Path) -> None:
    file, other = tmp_path / name, tmp_path / "b.txt"
    for each in (file, other):
        each.write_bytes(b"x")
    with pytest.raises(SettingsError, match=message):
        require_used(options, [file, "demo"])
    if options != SHEET:
        require_used(options, [file, other])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (ENCODING, "a.jsonl"),
        (ENCODING, "a.csv.zst"),
        (ENCODING, "no-ending"),
        (QUOTING, "a.tsv"),
        (QUOTING, "a.txt"),
        (HEADER, "a.xlsx"),
        (SHEET, "a.xlsx"),
        (SHEET, "absent.csv"),
        (ENCODING, "absent.parquet/*.x"),
    ],
)
def test_an_option_with_a_use_is_taken(options: FileOptions, name: str, tmp_path: Path) -> None:
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"x")
    require_used(options, [tmp_path / name] if name != "absent.csv" else [tmp_path, tmp_path / "absent"])


def test_a_folder_and_an_archive_count_as_what_is_in_them(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        (tmp_path / "texts" / label).mkdir(parents=True)
        (tmp_path / "texts" / label / "1.txt").write_text("a text")
    require_used(ENCODING, [tmp_path / "texts"])
    with pytest.raises(SettingsError, match="is for delimited files"):
        require_used(QUOTING, [tmp_path / "texts"])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jsonl", "{}")
    require_used(ENCODING, [tmp_path / "a.zip"])
    with pytest.raises(SettingsError, match="is for delimited files"):
        require_used(QUOTING, [tmp_path / "a.zip"])


def test_commands_refuse_them(cli: Cli, model_folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a fine film", "label": "positive"}\n' * 2)
    for command in (["evaluate", model_folder, rows], ["predict", model_folder, rows], ["train", rows]):
        ended = cli(*command, "--no-header")
        assert ended.code == 1
        assert "error: --no-header is for delimited files (.csv, .tsv) and workbooks" in ended.err
    assert (
        "error: --encoding is for a file, and INPUT is a text"
        in cli("predict", model_folder, "a text", "--encoding", "gbk").err
    )
    for command in (["check", rows], ["pretrain", rows, "--out", tmp_path / "encoder"]):
        assert "error: --quoting is for delimited files" in cli(*command, "--quoting", "none").err


def test_quotes_are_characters_where_the_user_says_so(cli: Cli, tmp_path: Path) -> None:
    rows = [f'"a fine film, {row} times,positive\na boring story "{row}",negative\n' for row in range(20)]
    (tmp_path / "rows.tsv").write_text(
        "text\tlabel\n" + "".join(rows).replace(",positive", "\tpositive").replace(",negative", "\tnegative")
    )
    ended = cli("check", tmp_path / "rows.tsv", "--quoting", "none", "--json")
    assert '"rows": 40' in ended.out
    assert "quotes are read as characters" not in ended.err
    assert "broken" in cli("check", tmp_path / "rows.tsv", "--quoting", "minimal").err
