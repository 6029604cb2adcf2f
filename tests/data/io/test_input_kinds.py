"""Inputs made by kind: every encoding in every layout, and every form of labels in every kind of file.

Each is read right, or refused with the right message. The table in docs/reference/data.md counts them.
"""

import bz2
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tenor._core.callbacks import Callback
from tenor.data import dataset
from tenor.data.dataset import Dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

Row = tuple[str, str]

_WESTERN = [
    "Der Käse war köstlich – „wirklich“ gut.",
    "Très déçu, livré trop tard à l’hôtel.",
    "Größe stimmt, schöne Farbe.",
]
_RUSSIAN = ["Очень хороший товар, спасибо продавцу.", "Доставка опоздала на неделю, плохо.", "Качество отличное."]
_SIMPLIFIED = [
    "这家酒店的服务很好，房间也干净。",
    "物流太慢了，等了一个星期才收到。",
    "质量不错，价格也便宜，值得购买。",
]
_TRADITIONAL = [
    "這間飯店的服務很好，房間也乾淨。",
    "物流太慢了，等了一個星期才收到。",
    "品質不錯，價格也便宜，值得購買。",
]
_JAPANESE = [
    "この商品はとても良いです。",
    "配送が遅くて困りました。もう買いません。",
    "スタッフの対応が丁寧で嬉しかった。",
]
_KOREAN = ["이 제품은 정말 좋습니다. 추천해요.", "배송이 너무 늦어서 실망했어요.", "가격 대비 품질이 괜찮은 편입니다."]

ENCODINGS: dict[str, list[str]] = {
    "utf-8": _SIMPLIFIED,
    "utf-8-sig": _WESTERN,
    "utf-16": _RUSSIAN,
    "utf-16-le": _SIMPLIFIED,
    "utf-16-be": _WESTERN,
    "utf-32": _KOREAN,
    "cp1252": _WESTERN,
    "cp1251": _RUSSIAN,
    "gb18030": _SIMPLIFIED,
    "big5": _TRADITIONAL,
    "cp932": _JAPANESE,
    "euc-jp": _JAPANESE,
    "cp949": _KOREAN,
}


def _quote(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


def _table(
    rows: list[Row], delimiter: str, header: str | None = "text,label", around: Callable[[str], str] = str
) -> str:
    lines = [] if header is None else [header.replace(",", delimiter)]
    return "\n".join([*lines, *(delimiter.join(map(around, row)) for row in rows)]) + "\n"


def _objects(rows: list[Row]) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in rows]


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stray_quote(rows: list[Row]) -> str:
    lines = _table(rows, "\t").splitlines()
    lines[3], lines[9] = '"' + lines[3], lines[9].replace("\t", '"\t')
    return "\n".join(lines) + "\n"


LAYOUTS: dict[str, tuple[str, Callable[[list[Row]], str]]] = {
    "commas": ("csv", lambda rows: _table(rows, ",", around=_quote)),
    "semicolons": ("csv", lambda rows: _table(rows, ";", around=_quote)),
    "tabs": ("tsv", lambda rows: _table(rows, "\t")),
    "commas, no header": ("csv", lambda rows: _table(rows, ",", None, _quote)),
    "tabs, no header": ("tsv", lambda rows: _table(rows, "\t", None)),
    "tabs in .txt, no header, blank lines": ("txt", lambda rows: _table(rows, "\t", None).replace("\n", "\n\n", 3)),
    "blanks behind commas": ("csv", lambda rows: _table(rows, ", ", around=_quote)),
    "columns without a name": (
        "csv",
        lambda rows: "label,text,,,\n" + "".join(f"{label},{_quote(text)},,,\n" for text, label in rows),
    ),
    "a quote that is a character": ("tsv", _stray_quote),
    "JSON lines": ("jsonl", lambda rows: "".join(f"{_dump(each)}\n" for each in _objects(rows))),
    "JSON list": ("json", lambda rows: json.dumps(_objects(rows), ensure_ascii=False, indent=1)),
    "JSON list under a key": ("json", lambda rows: _dump({"version": 2, "data": _objects(rows)})),
}


def _rows(texts: list[str], labels: list[str]) -> list[Row]:
    return [(f"{texts[at % len(texts)]} {at}", labels[at % len(labels)]) for at in range(12)]


class _Notes(Callback):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def _read(path: Path, **options: Any) -> tuple[Dataset, list[str]]:
    notes = _Notes()
    return dataset.read(path, ReadOptions(**options), notes), notes.messages


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_read_in_every_layout(tmp_path: Path, encoding: str, layout: str) -> None:
    ending, write = LAYOUTS[layout]
    rows = _rows(ENCODINGS[encoding], ["good", "bad"])
    path = tmp_path / f"reviews.{ending}"
    path.write_bytes(write(rows).encode(encoding))
    data, notes = _read(path)
    texts = [text for text, _ in rows]
    if layout == "a quote that is a character":
        texts[2], texts[8] = '"' + texts[2], texts[8] + '"'
        assert any("quotes are read as characters" in note for note in notes)
    assert list(data.texts) == texts
    assert data.labels == [label for _, label in rows]
    if not encoding.startswith("utf-") or encoding.endswith(("-le", "-be")):
        assert f"is read as {encoding.upper()}, for example" in notes[0]
    if "no header" in layout:
        assert any("the first line looks like data" in note for note in notes)


_PLAIN = [f"The film number {at} was {'wonderful and warm' if at % 2 else 'tedious and cold'}." for at in range(30)]
_NUMBERS = [at * 137.25 + 12.5 for at in range(30)]


def _grouped(number: float) -> str:
    return f"{number:,.2f}"


def _german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


Columns = dict[str, list[Any]]
LABELS: dict[str, tuple[Columns, str, list[Any]]] = {
    "words": ({"label": ["good", "bad"] * 15}, "binary", ["good", "bad"] * 15),
    "0 and 1": ({"label": ["0", "1"] * 15}, "binary", ["0", "1"] * 15),
    "1 to 5": ({"stars": [str(at % 5 + 1) for at in range(30)]}, "multiclass", [str(at % 5 + 1) for at in range(30)]),
    "columns of 0 and 1": (
        {"toxic": ["1", "0", "0"] * 10, "rude": ["1", "1", "0"] * 10},
        "multilabel",
        [("toxic", "rude"), ("rude",), ()] * 10,
    ),
    "JSON lists": ({"label": ['["a", "b"]', '["a"]', "[]"] * 10}, "multilabel", [("a", "b"), ("a",), ()] * 10),
    "choices of Label Studio": (
        {"label": ['{"choices": ["a", "b"]}', "a", "b"] * 10},
        "multilabel",
        [("a", "b"), ("a",), ("b",)] * 10,
    ),
    "numbers": ({"price": [f"{number:.2f}" for number in _NUMBERS]}, "regression", _NUMBERS),
    "1,234.50": ({"price": list(map(_grouped, _NUMBERS))}, "regression", _NUMBERS),
    "1.234,50 €": ({"price": [f"{_german(number)} €" for number in _NUMBERS]}, "regression", _NUMBERS),
    "31.8%": ({"price": [f"{number / 100:.4f}%" for number in _NUMBERS]}, "regression", [n / 100 for n in _NUMBERS]),
    "$1,234.50": ({"price": [f"${_grouped(number)}" for number in _NUMBERS]}, "regression", _NUMBERS),
}


def _csv(columns: Columns) -> bytes:
    lines = [",".join(columns), *(",".join(map(_quote, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines).encode()


def _tsv(columns: Columns) -> bytes:
    return "\n".join(["\t".join(columns), *map("\t".join, zip(*columns.values(), strict=True))]).encode()


def _jsonl(columns: Columns) -> bytes:
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return "\n".join(map(_dump, rows)).encode()


def _xlsx(columns: Columns) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    workbook, stream = openpyxl.Workbook(), io.BytesIO()
    workbook.active.append(list(columns))
    for row in zip(*columns.values(), strict=True):
        workbook.active.append([int(value) if value.isdigit() else value for value in row])
    workbook.save(stream)
    return stream.getvalue()


def _parquet(columns: Columns) -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


def _zip(columns: Columns) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._reviews.csv", b"\0")
        archive.writestr("README.txt", "about")
        archive.writestr("data/reviews.csv", _csv(columns))
    return stream.getvalue()


FILES: dict[str, Callable[[Columns], bytes]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "xlsx": _xlsx,
    "zip": _zip,
    "csv.bz2": lambda columns: bz2.compress(_csv(columns)),
    "csv.xz": lambda columns: lzma.compress(_csv(columns)),
}


@pytest.mark.parametrize("form", LABELS)
@pytest.mark.parametrize("kind", FILES)
def test_every_form_of_labels_is_read_in_every_kind_of_file(tmp_path: Path, kind: str, form: str) -> None:
    columns, task, labels = LABELS[form]
    path = tmp_path / f"reviews.{kind}"
    path.write_bytes(FILES[kind]({"id": [str(at) for at in range(30)], "text": _PLAIN, **columns}))
    data, notes = _read(path)
    assert list(data.texts) == _PLAIN
    assert data.kind == task
    assert data.labels == (pytest.approx(labels) if task == "regression" else labels)
    if form in ("1,234.50", "1.234,50 €", "31.8%", "$1,234.50"):
        assert "is read as" in data.note
    if form == "columns of 0 and 1":
        assert any("sets of labels from the columns toxic, rude" in note for note in notes)


_BAD_QUOTE = "text,label\n" + "".join(f'"one, {at}",pos\ntwo {at},neg\n' for at in range(9))
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "thousands or decimals": (
        "csv",
        b"text,price\n" + b"".join(b'film %d,"%d,362"\n' % (at, at + 1) for at in range(30)),
        r"numbers such as '1,362', whose comma .* `decimal='\.'` .* or `decimal=','`",
    ),
    "a quote that swallows rows": (
        "csv",
        _BAD_QUOTE.replace("two 3", '"two 3').replace("two 7,neg", 'two 7",neg').encode(),
        r"a field has \d+ line ends, and its lines look like rows|the quoting is broken",
    ),
    "rows of several lengths": (
        "csv",
        b"text,label\na,b\nc,d,e\n",
        r"row 2: the row has 3 fields and the header has 2",
    ),
    "Macintosh Roman": ("csv", "text,label\nIt’s a résumé,a\nnaïve café,b\n".encode("mac-roman"), r"mac-roman: 'It’s'"),
    "bytes that are not text": ("csv", bytes(range(256)) * 4, "NUL byte"),
    "two lists of rows": (
        "json",
        b'{"train": [{"a": 1}], "test": [{"a": 1}]}',
        "lists of rows under 'train' and 'test'",
    ),
    "an archive of two tables": ("zip", b"", "the archive has several tables: a.csv, b.csv"),
    "two columns of the same name": ("csv", b"text,label,label\na,b,c\nd,e,f\n", "it is not clear which column"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_surely_is_refused(tmp_path: Path, kind: str) -> None:
    ending, data, message = REFUSED[kind]
    path = tmp_path / f"reviews.{ending}"
    path.write_bytes(data)
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "text,label\n")
            archive.writestr("b.csv", "text,label\n")
    with pytest.raises(DataError, match=message):
        _read(path)


def summary() -> list[str]:
    """The table in docs/reference/data.md."""
    return [
        "| inputs | how many | result |",
        "|---|---|---|",
        f"| {len(ENCODINGS)} encodings in {len(LAYOUTS)} layouts | {len(ENCODINGS) * len(LAYOUTS)} | read |",
        f"| {len(LABELS)} forms of labels in {len(FILES)} kinds of files | {len(LABELS) * len(FILES)} | read |",
        f"| what cannot be read surely: {', '.join(REFUSED)} | {len(REFUSED)} | refused with a remedy |",
    ]


def test_the_table_in_the_documentation_counts_these_inputs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "data.md").read_text(encoding="utf-8")
    assert "\n".join(summary()) in page
