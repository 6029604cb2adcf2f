import pytest

from tenor.data import columns
from tenor.data.io.chunks import Chunk
from tenor.errors import DataError


def test_a_wrong_column_is_refused_with_the_columns_and_a_guess() -> None:
    assert columns.require_column(["text", "label"], "text", "a.csv", "text") == "text"
    message = r"^a\.csv: there is no column 'txt'\. Did you mean 'text'\? Columns: text, label\. Name one with `text="
    with pytest.raises(DataError, match=message):
        columns.require_column(["text", "label"], "txt", "a.csv", "text")


@pytest.mark.parametrize(
    ("header", "name", "may_be"),
    [
        (["bad film", "neg"], "a.csv", True),
        (["1", "bad film", "neg"], "a.tsv.gz", True),
        (["Review", "stars"], "a.csv", False),
        (["body", "情感"], "a.csv", False),
        (["bad film", "neg"], "a.jsonl", False),
        (["bad film", "neg"], "a.parquet", False),
    ],
)
def test_a_header_without_a_usual_name_may_be_a_row(header: list[str], name: str, may_be: bool) -> None:
    assert columns.header_may_be_data(header, name) == may_be
    hint = columns.header_hint(header, name)
    assert ("If the file has no header, put a line with names above" in hint) == may_be


def test_the_first_usual_name_is_taken() -> None:
    chunk = Chunk(1, {"日期": ["1"], "评论内容": ["好看"], "情感": ["正"]})
    assert columns.detect_columns(list(chunk.columns), chunk, "a.csv", None, None) == ("评论内容", "情感")
    chunk = Chunk(1, {"body": ["a"], "text": ["b"], "intent": ["c"], "label": ["d"], "id": ["1"]})
    assert columns.detect_columns(list(chunk.columns), chunk, "a.csv", None, None) == ("text", "label")
    with pytest.raises(DataError, match=r"which column holds the texts\. Columns: a, b, label\. Name it with `text="):
        columns.detect_columns(["a", "b", "label"], Chunk(1, {"a": [], "b": [], "label": []}), "a.csv", None, None)
