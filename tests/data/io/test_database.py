import os
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from tenor._core.callbacks import Callback
from tenor._core.printable import without_passwords
from tenor.config.run_config import RunConfig
from tenor.data import dataset, sources
from tenor.data.io import database, table, used_options
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import FileOptions
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError, SettingsError

POSTGRESQL = os.environ.get("TENOR_TEST_POSTGRESQL")
"""URL of a database that is only read."""

ROWS = [("a fine film", "pos", 1.5), ("a dull film", "neg", None), ("it's :good, 100% \\ ok", "pos", 2.0)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "reviews.db") as connection:
        connection.execute("CREATE TABLE reviews (text TEXT, label TEXT, price REAL, photo BLOB)")
        connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, x'00ff')", ROWS)
    return f"sqlite:///{tmp_path / 'reviews.db'}"


def read(url: str, query: str) -> dict[str, list[object]]:
    opened = table.open_table(DatabaseUrl(url), FileOptions(query=query))
    columns: dict[str, list[object]] = {name: [] for name in opened.columns}
    for chunk in opened.chunks:
        for name, values in chunk.columns.items():
            columns[name] += values
    return columns


def test_the_rows_of_a_query_are_a_table(url: str) -> None:
    assert read(url, "SELECT text, label, price FROM reviews") == {
        "text": [row[0] for row in ROWS],
        "label": ["pos", "neg", "pos"],
        "price": [1.5, None, 2.0],
    }
    assert read(url, "SELECT text AS a, text AS a FROM reviews WHERE text LIKE '%:good, 100\\%%' ESCAPE '\\'") == {
        "a (column 1)": [ROWS[2][0]],
        "a (column 2)": [ROWS[2][0]],
    }


def test_labelled_texts_come_from_a_query(url: str) -> None:
    data = sources.read(url, ReadOptions(query="SELECT * FROM reviews WHERE price > 0"))
    assert list(data.texts) == [ROWS[0][0], ROWS[2][0]]
    assert (data.text_column, data.label_column, data.labels) == ("text", "label", ["pos", "pos"])
    assert (
        dataset.read_column(DatabaseUrl(url), "price", "by", data, FileOptions(query="SELECT * FROM reviews"))[0] == 1.5
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (None, r"a database is read with a query\. Name it with `query=\.\.\.`"),
        ("SELECT absent FROM reviews", r"no such column: absent\. Check the query: it may only read"),
        ("DELETE FROM reviews", r"attempt to write a readonly database"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_and_changes_nothing(url: str, query: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(url, query)
    assert len(read(url, "SELECT text FROM reviews")["text"]) == 3


def test_a_database_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.db: there is no such file"):
        read(f"sqlite:///{tmp_path / 'absent.db'}", "SELECT 1")
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "text.db").write_text("no database, but a text")
    with pytest.raises(DataError, match="file is not a database"):
        read(f"sqlite:///{tmp_path / 'text.db'}", "SELECT * FROM t")
    for broken in ("nothing://x", "postgresql://me:s3cret@host:port/shop", "postgresql://me:s3cret@[::1/shop"):
        with pytest.raises(DataError, match="this is not the URL of a database") as refused:
            read(broken, "SELECT 1")
        assert "s3cret" not in str(refused.value)


def test_a_query_without_a_database_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\na,x\nb,y\n")
    asked = FileOptions(query="SELECT 1")
    with pytest.raises(SettingsError, match=r"`query=\.\.\.` is for the URL of a database"):
        used_options.require_used(asked, [file, "demo"])
    used_options.require_used(asked, [file, DatabaseUrl(url)])
    with pytest.raises(SettingsError, match=r"`query=\.\.\.` is for the URL of a database"):
        sources.read_train_and_test(RunConfig(data=str(file), query="SELECT 1"), Callback())


def test_passwords_are_never_shown() -> None:
    secret = "postgresql+psycopg://me:s3cr:e@t@localhost:1/shop?sslpassword=s3cret&x=1"
    shown = "postgresql+psycopg://me:***@localhost:1/shop?sslpassword=***&x=1"
    assert without_passwords(f"see {secret}.") == f"see {shown}."
    assert DatabaseUrl(secret).name == shown
    assert "s3cr" not in repr(DatabaseUrl(secret))
    for slash in ("postgresql://me:s3/cr?e@t@host/shop", "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3Ds3cr%2F"):
        assert "s3" not in DatabaseUrl(slash).name
        assert "***" in DatabaseUrl(slash).name
    with pytest.raises(DataError, match=r"has a blank in it\. Write the blank as %20") as refused:
        DatabaseUrl("postgresql://me:s3 cret@host/shop")
    assert "cret" not in str(refused.value)
    assert not database.is_url("a/file.csv")
    pytest.importorskip("psycopg")
    with pytest.raises(DataError) as refused:
        read("postgresql+psycopg://me:s3cret@127.0.0.1:1/shop", "SELECT 1")
    assert "s3cret" not in str(refused.value)


@pytest.mark.skipif(POSTGRESQL is None, reason="TENOR_TEST_POSTGRESQL names no database")
def test_rows_come_from_postgresql_in_a_transaction_that_only_reads() -> None:
    assert POSTGRESQL is not None
    url = POSTGRESQL.replace("postgresql://", "postgresql+psycopg://", 1)
    rows = "(VALUES ('a 100% :good film', true, 1.5::numeric, DATE '2024-03-01'), ('坏', false, NULL, NULL))"
    result = read(url, f"SELECT * FROM {rows} AS reviews (text, label, price, day) ORDER BY text")
    assert result == {
        "text": ["a 100% :good film", "坏"],
        "label": [True, False],
        "price": [Decimal("1.5"), None],
        "day": ["2024-03-01", None],
    }
    assert len(read(url, "SELECT generate_series(1, 5000) AS n")["n"]) == 5000
    with pytest.raises(DataError, match=r"cannot execute lo_create\(\) in a read-only transaction"):
        read(url, "SELECT lo_create(0)")
    with pytest.raises(DataError, match='relation "absent" does not exist'):
        read(url, "SELECT * FROM absent")
