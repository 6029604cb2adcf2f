"""What people say a prediction should have been, kept in a database: by the server, for the next training run."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenor.data.io.chunks import Chunk, Table, chunked
from tenor.errors import DataError, SettingsError, TenorError, missing_extra

try:
    import sqlalchemy as sql
    from sqlalchemy.schema import CreateTable
except ModuleNotFoundError:
    raise missing_extra("Keeping corrections", "serve") from None

COLUMNS = ["text", "label", "predicted", "version", "time"]

_WAIT_S = 10  # for another process that writes
_KEPT = sql.Table(
    "tenor_corrections",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("time", sql.DateTime, nullable=False),  # UTC
    sql.Column("model", sql.Text, nullable=False),
    sql.Column("version", sql.Text, nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("predicted", sql.Text, nullable=False),  # JSON, as `label`
    sql.Column("label", sql.Text, nullable=False),
)


class FullError(Exception):
    """No more is kept."""


@dataclass(frozen=True)
class Correction:
    """What is kept.

    Attributes:
        model: Name of the model.
        version: Version of the model.
        text: The text.
        predicted: What the model said: a label, a list of labels, or a number.
        label: What it should have said.
    """

    model: str
    version: str
    text: str
    predicted: Any
    label: Any


class CorrectionStore:
    """Corrections in a database. Threads and processes may write at the same time.

    Args:
        where: A file for SQLite, or the URL of a database as SQLAlchemy reads it.
        max_corrections: How many are kept.
        make: Whether a database without corrections is given a table for them.

    Raises:
        TenorError: The database cannot be opened, or has no corrections and `make` is off.
    """

    def __init__(self, where: str, max_corrections: int = 1_000_000, create: bool = True) -> None:
        self.max_corrections = max_corrections
        url = _url(where)
        options: dict[str, Any] = {"pool_pre_ping": True}
        self.name = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "postgresql":
            options["connect_args"] = {"connect_timeout": _WAIT_S}
        if url.get_backend_name() == "sqlite":
            options = {"connect_args": {"timeout": _WAIT_S}}
            self.name = url.database or ""
            _require_file(Path(self.name), create)
        try:
            self._engine = sql.create_engine(url, **options)
        except ModuleNotFoundError as error:
            if error.name == "psycopg":
                raise missing_extra("Keeping corrections in PostgreSQL", "postgresql") from None
            raise SettingsError(f"{self.name}: this needs the package {error.name}.", "Install it.") from None
        except sql.exc.ArgumentError as error:
            raise SettingsError(f"{self.name}: {error}.", "Give a file, or a URL as SQLAlchemy reads it.") from None
        with self._told():
            if create:
                self._make()
            elif not sql.inspect(self._engine).has_table(_KEPT.name):
                raise DataError(f"{self.name}: there are no corrections in this database.", "Name another.")

    def add(self, correction: Correction) -> None:
        """Keep one.

        Raises:
            FullError: There are `most` already.
            TenorError: The database does not take it.
        """
        row = {
            "time": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "model": correction.model,
            "version": correction.version,
            "text": correction.text,
            "predicted": json.dumps(correction.predicted, ensure_ascii=False),
            "label": json.dumps(correction.label, ensure_ascii=False),
        }
        with self._told(), self._engine.begin() as connection:
            last = connection.execute(sql.select(sql.func.max(_KEPT.c.id))).scalar()
            if (last or 0) >= self.max_corrections:
                raise FullError
            connection.execute(sql.insert(_KEPT), row)

    def models(self) -> list[str]:
        """Names of the models that were corrected, sorted."""
        with self._told(), self._engine.connect() as connection:
            return sorted(connection.execute(sql.select(_KEPT.c.model).distinct()).scalars())

    def table(self, model: str | None = None) -> Table:
        """The corrections of a model as a table: the last one of each text, in the order in which they came.

        Args:
            model: Its name; None where there is one only.

        Raises:
            TenorError: It is not clear which model is meant, it has no corrections, or the database cannot be read.
        """
        models = self.models()
        if model is None and len(models) > 1:
            problem = f"{self.name}: there are corrections of {', '.join(models)}."
            raise DataError(problem, "Name one of these models with `model=...`.")
        if not models or (model is not None and model not in models):
            known = f" There are some of {', '.join(models)}." if models else ""
            raise DataError(
                f"{self.name}: there are no corrections{f' of {model}' if models else ''} yet.{known}",
                "Correct predictions on the page of the server first.",
            )
        return Table(self.name, COLUMNS, chunked(self._rows(model or models[0]), COLUMNS))

    def _make(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(CreateTable(_KEPT, if_not_exists=True))
        except sql.exc.DBAPIError:  # PostgreSQL says so where another process made it at the same time
            if not sql.inspect(self._engine).has_table(_KEPT.name):
                raise

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _rows(self, model: str) -> Iterator[list[Any]]:
        of_model = _KEPT.c.model == model
        last = sql.select(sql.func.max(_KEPT.c.id)).where(of_model).group_by(_KEPT.c.text)
        query = sql.select(_KEPT).where(_KEPT.c.id.in_(last)).order_by(_KEPT.c.id)
        with self._told(), self._engine.connect().execution_options(yield_per=1_000) as connection:
            for row in connection.execute(query):
                said = [json.loads(row.label), json.loads(row.predicted)]
                yield [row.text, *said, row.version, f"{row.time.isoformat()}Z"]

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in words what the database says."""
        try:
            yield
        except sql.exc.DBAPIError as error:
            problem = f"{self.name}: the database of corrections says: {str(error.orig).splitlines()[0]}."
            raise TenorError(problem, "Check that it is one, that it runs and that there is room.") from None


def text_fault(text: str) -> str | None:
    """Why a text cannot become training data; None: it can."""
    if not text.strip():
        return "the text is empty."
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return "the text has a character that no file of text can hold."
    return None


def _url(where: str) -> sql.URL:
    if "://" not in where:
        return sql.URL.create("sqlite", database=where)
    try:
        url = sql.make_url(where)
        # What a server's manual writes; SQLAlchemy would look for an older driver.
        return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url
    except sql.exc.ArgumentError:
        problem = "this is no URL of a database."
        raise SettingsError(problem, "Write a file's name, or postgresql://USER:PASSWORD@HOST/NAME.") from None


def _require_file(path: Path, make: bool) -> None:
    """Make an SQLite file that its owner alone may read, as it holds texts; or insist that it is there."""
    if path.is_symlink() and not path.exists():
        raise DataError(f"{path}: this is a link that leads nowhere.", "Remove it, or choose another file.")
    if not make and not path.is_file():
        raise DataError(f"{path}: there is no such file.", "Check the path.")
    if make:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise DataError(f"{path}: this cannot be written: {error.strerror}.", "Choose another file.") from None


def write(store: CorrectionStore, out: Path, model: str | None, escape_formulas: bool = False) -> int:
    """Write the corrections of a model as training data, with columns `text` and `label`; returns how many. With
    `escape_formulas` spreadsheets compute none of them.
    """
    from tenor.data.io import writer

    source = store.table(model)
    rows = 0
    with writer.open_writer(out, source.columns, found=["label"], escape_formulas=escape_formulas) as put:
        for chunk in source.chunks:
            put(Chunk(chunk.row, chunk.columns))
            rows += len(chunk)
    return rows
