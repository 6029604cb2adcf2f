import io
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tenor.data import row_reader
from tenor.data.io import table, writer
from tenor.data.io.table import Table
from tenor.errors import DataError
from tenor.inference import predict_table
from tenor.inference.predictor import Predictor

TEXTS = ["a wonderful, charming film", "dreadful plot", "the\nboring evening", "superb", ""]
EXPECTED = ["positive", "negative", "negative", "positive"]


def run(source: Table, predictor: Predictor, out: Path, text: str | None = None) -> Table:
    """Label a table into a file and open that."""
    labeller = predict_table.RowLabeller.for_table(source, predictor, text)
    told: list[int] = []
    with writer.open_writer(out, [*source.columns, *labeller.new_columns], source, labeller.new_columns) as write:
        labelled = predict_table.label_table(source, labeller, write, told.append)
    assert told == sorted(told) and (told[-1] if told else 0) == labelled.rows
    return table.open_table(out)


def columns(source: Table) -> dict[str, list[Any]]:
    chunks = list(source.chunks)
    return {name: [value for chunk in chunks for value in chunk.columns[name]] for name in source.columns}


def make(path: Path, rows: dict[str, list[Any]]) -> Path:
    """A file of the rows, in the format of its name."""
    with writer.open_writer(path, list(rows)) as write:
        write(table.Chunk(1, rows))
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("out", ["csv", "jsonl", "parquet"])
def test_order_and_columns_are_kept_in_every_format(tmp_path: Path, predictor: Predictor, kind: str, out: str) -> None:
    rows = {"id": [f"n{row}" for row in range(5)], "text": TEXTS, "备注": ["x"] * 5}
    made = columns(run(table.open_table(make(tmp_path / f"in.{kind}", rows)), predictor, tmp_path / f"out.{out}"))
    assert list(made) == ["id", "text", "备注", "label", "score"]
    assert {name: made[name] for name in rows} == rows
    assert made["label"][:4] == EXPECTED
    assert made["label"] == predictor.predict(TEXTS).tolist()
    best = predictor.predict_proba(TEXTS).max(axis=1)
    assert [float(score) for score in made["score"]] == pytest.approx(best.tolist(), abs=1e-6)


def test_more_rows_than_a_chunk_stay_in_order(tmp_path: Path, predictor: Predictor) -> None:
    texts = [f"{'superb' if row % 3 else 'dreadful'} {row}" for row in range(5_000)]
    made = columns(run(table.open_table(make(tmp_path / "a.csv", {"text": texts})), predictor, tmp_path / "out.csv"))
    assert made["text"] == texts
    assert made["label"] == ["positive" if row % 3 else "negative" for row in range(5_000)]


def test_parquet_keeps_its_types(tmp_path: Path, predictor: Predictor) -> None:
    schema = pyarrow.schema(
        [("text", pyarrow.large_string()), ("stars", pyarrow.int8()), ("at", pyarrow.timestamp("ms"))]
    )
    rows = pyarrow.table({"text": ["superb", None], "stars": [5, None], "at": [0, 1]}, schema)
    pyarrow.parquet.write_table(rows, tmp_path / "in.parquet")
    run(table.open_table(tmp_path / "in.parquet"), predictor, tmp_path / "out.parquet")
    made = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert made.select(["text", "stars", "at"]).equals(rows)
    assert made.schema.field("label").type == pyarrow.string()
    assert made.schema.field("score").type == pyarrow.float64()


def test_a_missing_text_is_labelled_like_an_empty_one(tmp_path: Path, predictor: Predictor) -> None:
    path = make(tmp_path / "in.jsonl", {"text": [None, "", "superb"]})
    made = columns(run(table.open_table(path), predictor, tmp_path / "out.jsonl"))
    assert made["text"] == [None, "", "superb"]
    assert made["label"][0] == made["label"][1]
    assert made["score"][0] == made["score"][1]


def test_lines_of_a_stream_become_lines_of_labels(tmp_path: Path, predictor: Predictor) -> None:
    source = table.open_lines(io.BytesIO(b"superb\n\nboring\n"), "standard input")
    run(source, predictor, tmp_path / "out.txt")
    lines = [line.split("\t") for line in (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines()]
    assert [lines[0][0], lines[2][0]] == ["positive", "negative"]
    assert [[label, str(float(score))] for label, score in lines] == lines


def test_a_folder_of_texts_is_labelled_beside_its_own_labels(tmp_path: Path, predictor: Predictor) -> None:
    (tmp_path / "in" / "neg").mkdir(parents=True)
    (tmp_path / "in" / "neg" / "1.txt").write_text("dull and awful", encoding="utf-8")
    made = columns(run(table.open_table(tmp_path / "in"), predictor, tmp_path / "out.csv"))
    assert list(made) == ["text", "label", "file", "predicted_label", "predicted_score"]
    assert (made["label"], made["predicted_label"], made["file"]) == (["neg"], ["negative"], ["neg/1.txt"])


def test_no_rows_give_no_rows(tmp_path: Path, predictor: Predictor) -> None:
    (tmp_path / "in.csv").write_text("text,n\n", encoding="utf-8")
    for kind in ("csv", "parquet"):
        made = run(table.open_table(tmp_path / "in.csv"), predictor, tmp_path / f"out.{kind}")
        assert columns(made) == {"text": [], "n": [], "label": [], "score": []}


@pytest.mark.parametrize(
    ("present", "added"),
    [
        (["text"], ("label", "score")),
        (["text", "label"], ("predicted_label", "predicted_score")),
        (["text", "score"], ("predicted_label", "predicted_score")),
        (["text", "predicted_label"], ("label", "score")),
    ],
)
def test_new_columns_never_replace_those_of_the_input(
    predictor: Predictor, present: list[str], added: tuple[str, str]
) -> None:
    assert predict_table.new_column_names(present, predictor, "a.csv") == added


def test_names_that_are_all_taken_are_refused(predictor: Predictor) -> None:
    message = r"^a\.csv: the columns 'label', 'predicted_score' exist already\. Rename them in the input"
    with pytest.raises(DataError, match=message):
        predict_table.new_column_names(["text", "label", "predicted_score"], predictor, "a.csv")


@pytest.mark.parametrize(
    ("present", "expected", "result"),
    [
        (["a", "b"], "b", "b"),
        (["id", "text", "review"], None, "text"),
        (["id", "评论"], None, "评论"),
        (["anything"], None, "anything"),
    ],
)
def test_the_text_column_is_found(predictor: Predictor, present: list[str], expected: str | None, result: str) -> None:
    assert row_reader.for_table(Table("a.csv", present, iter([])), predictor.fields, expected).columns == (result,)


def test_a_text_column_that_is_not_clear_or_not_there_is_refused(predictor: Predictor) -> None:
    source = Table("a.csv", ["a", "b"], iter([]))
    with pytest.raises(
        DataError,
        match=r"^a\.csv: it is not clear which column holds the texts\. Columns: a, b\. Name .* has no header, say so",
    ):
        row_reader.for_table(source, predictor.fields, None)
    with pytest.raises(DataError, match=r"^a\.csv: there is no column 'text'\. Columns: a, b\. Name one with `text="):
        row_reader.for_table(source, predictor.fields, "text")


def test_a_text_that_is_no_string_is_refused_and_nothing_is_written(tmp_path: Path, predictor: Predictor) -> None:
    path = make(tmp_path / "in.jsonl", {"text": ["a"] * 3_000 + [7]})
    message = r"^in\.jsonl, row 3001, column 'text': the text is int 7, not a string\. Name the column"
    with pytest.raises(DataError, match=message):
        run(table.open_table(path), predictor, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [path]
