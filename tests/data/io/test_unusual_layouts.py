"""Tables whose fields, header or end are written in an unusual way: what R, DOS and word processors leave."""

import json
from pathlib import Path

import pytest

from helpers.tables import write
from tenor._core.callbacks import Callback
from tenor.data import dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

ROWS = [(f"a long, long text with number {at}", "good" if at % 2 else "bad") for at in range(12)]
PLAIN = [(text.replace(",", ""), label) for text, label in ROWS]


class Messages(Callback):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def read(path: Path, rows: list[tuple[str, str]]) -> list[str]:
    """Read a file, compare its rows, and return the messages and the note."""
    callback = Messages()
    data = dataset.read(path, ReadOptions(), callback)
    assert list(zip(data.texts, data.labels, strict=True)) == rows
    return [*callback.messages, data.note]


def lines(pattern: str, rows: list[tuple[str, str]], head: str = "text,label\n") -> str:
    return head + "".join(pattern.format(at + 1, *row) + "\n" for at, row in enumerate(rows))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", lines('{},"{}",{}', ROWS)),
        ("a.csv", lines('"doc{}","{}","{}"', ROWS, '"text","label"\n')),
        ("a.tsv", lines('"{}" "{}" "{}"', ROWS, '"text" "label"\n')),
        ("a.txt", lines('"{}" "{}" "{}"', ROWS, '"text" "label"\n')),
    ],
)
def test_the_names_of_rows_that_r_writes_are_a_column_without_a_name(tmp_path: Path, name: str, content: str) -> None:
    messages = read(write(tmp_path / name, content), ROWS)
    assert f"{name}: the header has one name fewer than the rows: the first column is read as 'row_id'." in messages


def test_a_comma_in_every_text_is_no_column_of_row_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the row has 3 fields and the header has 2"):
        read(write(tmp_path / "a.csv", lines("{1},{2}", ROWS)), ROWS)


@pytest.mark.parametrize("head", ["# made by a tool, in March\n# second\ntext{}label\n", "# x\n\n#\ntext{}label\n"])
@pytest.mark.parametrize(("ending", "delimiter"), [(".csv", ","), (".tsv", "\t"), (".txt", "\t")])
def test_comments_above_the_names_are_not_read(tmp_path: Path, head: str, ending: str, delimiter: str) -> None:
    content = lines(f"{{1}}{delimiter}{{2}}", PLAIN, head.format(delimiter))
    assert f"a{ending}: not read: 2 lines with # above the names." in read(
        write(tmp_path / f"a{ending}", content), PLAIN
    )


def test_a_name_or_a_text_may_begin_with_a_hash(tmp_path: Path) -> None:
    read(write(tmp_path / "a.csv", lines("{1},{2}", PLAIN, "#text,label\n")), PLAIN)
    tagged = [(f"#great {text}", label) for text, label in PLAIN]
    read(write(tmp_path / "b.csv", lines("{1},{2}", tagged, "")), tagged)


@pytest.mark.parametrize(
    ("pattern", "end", "quote"),
    [
        ("'{1}','{2}'", "", "'"),
        ("'{1}',{2}", " it's", "'"),
        ("“{1}”,“{2}”", ' “x” "y"', "“ ”"),
        ("“{1}”,{2}", "", "“ ”"),
        ("„{1}“,{2}", "", "“ ”"),
    ],
)
def test_other_quotes_around_fields(tmp_path: Path, pattern: str, end: str, quote: str) -> None:
    rows = [(f"{text}{end}", label) for text, label in ROWS]
    for escaped in ("\\'", "''") if "'" in end else ("'",):
        written = [(text.replace("'", escaped), label) for text, label in rows]
        messages = read(write(tmp_path / "a.csv", lines(pattern, written)), rows)
        assert f"a.csv: fields are quoted with {quote} (`quoting='none'` reads quotes as characters)." in messages


def test_quotes_that_belong_to_texts_stay(tmp_path: Path) -> None:
    for before, after in (("“", "”"), ("'", "'s"), ("", "'")):
        rows = [(f"{before}{text}{after}", label) for text, label in PLAIN]
        read(write(tmp_path / "a.csv", lines("{1},{2}", rows)), rows)


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a"])
def test_the_mark_of_the_end_of_a_dos_file_is_no_row(tmp_path: Path, end: str) -> None:
    read(write(tmp_path / "a.csv", lines("{1},{2}", PLAIN).rstrip("\n").replace("\n", "\r\n") + end), PLAIN)
    objects = "\r\n".join(json.dumps({"text": text, "label": label}) for text, label in PLAIN)
    read(write(tmp_path / "a.jsonl", objects + end), PLAIN)


def test_fields_that_blanks_separate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The fields seem to be separated by blanks: put tabs or commas there"):
        read(write(tmp_path / "a.tsv", lines("{1}  {2}", PLAIN, "text  label\n")), PLAIN)


@pytest.mark.parametrize("n_last", [6, 5])
def test_json_with_the_texts_of_each_label(tmp_path: Path, n_last: int) -> None:
    good, bad = ([text for text, label in ROWS if label == each] for each in ("good", "bad"))
    bad = bad[:n_last]
    messages = read(
        write(tmp_path / "a.json", json.dumps({"good": good, "bad": bad})),
        [(text, "good") for text in good] + [(text, "bad") for text in bad],
    )
    assert messages[0] == "a.json: the keys are labels, and their lists have the texts."


def test_json_with_the_label_of_each_text_and_whole_columns(tmp_path: Path) -> None:
    messages = read(write(tmp_path / "a.json", json.dumps(dict(ROWS))), ROWS)
    assert messages[0] == "a.json: the keys are texts, and their values are labels."
    texts, labels = zip(*ROWS, strict=True)
    read(write(tmp_path / "b.json", json.dumps({"doc": texts, "y": labels})), ROWS)


@pytest.mark.parametrize("name", ["a.txt", "a.svm", "a.csv"])
def test_a_file_of_sparse_numbers_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name}: this is a file of LIBSVM \(svmlight\): numbers of features"):
        read(write(tmp_path / name, "# made\n" + "-1 3:0.5 7:1 # one\n+1 2:1e-3 9:2\n" * 200), [])
    kept = [("1 2:30 at the station", "good"), ("2 3:15 or 4:20", "bad")]
    read(write(tmp_path / "b.csv", lines("{1},{2}", kept)), kept)


def test_fasttext_in_other_files(tmp_path: Path) -> None:
    read(write(tmp_path / "a.csv", lines("__label__{2} {1}", ROWS, "")), ROWS)
    for delimiter in ",\t":
        content = lines(f"{{1}}{delimiter}__label__{{2}}", PLAIN, f"text{delimiter}label\n")
        assert read(write(tmp_path / "b.csv", content), PLAIN)[-1] == (
            "the labels are read without fastText's prefix `__label__`."
        )
    sets = lines("{1},__label__{2} __label__x", PLAIN)
    assert dataset.read(write(tmp_path / "c.csv", sets)).labels[0] == ("bad", "x")


def test_columns_that_only_mark_what_applies_are_sets_of_labels(tmp_path: Path) -> None:
    content = "text,rude,spam\n" + "".join(f"a text {at},{'x' * (at % 2)},{'x' * (at % 3 == 0)}\n" for at in range(12))
    data = dataset.read(write(tmp_path / "a.csv", content), ReadOptions(label=["rude", "spam"]))
    assert data.labels[:4] == [("spam",), ("rude",), (), ("rude", "spam")]
