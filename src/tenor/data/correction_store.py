"""A database of corrections: texts with their right labels, for the next training run."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenor._core.language import join_names, tr
from tenor._core.printable import without_passwords
from tenor._core.records import Json
from tenor.data.io.chunks import Table, chunked
from tenor.errors import DataError, SettingsError, TenorError, missing_extra

try:
    import sqlalchemy as sql
    from sqlalchemy.schema import CreateTable
except ModuleNotFoundError:
    raise missing_extra("Keeping corrections", "serve") from None

COLUMNS = ["text", "label", "predicted", "version", "time"]
"""Columns of the table of corrections. A text of several fields has a column for each field instead."""
_OBJECT = "\x1e"
"""Before a text that is an object of JSON, as in JSON text sequences (RFC 7464)."""

_TIMEOUT_S = 10  # for a connection, or for another process that writes
_CORRECTIONS = sql.Table(
    "tenor_corrections",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("time", sql.DateTime, nullable=False),  # UTC
    sql.Column("model", sql.Text, nullable=False),
    sql.Column("version", sql.Text, nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("predicted", sql.Text, nullable=False),  # JSON, like `label`
    sql.Column("label", sql.Text, nullable=False),
)


class StoreFullError(Exception):
    """The database holds as many corrections as it may."""


@dataclass(frozen=True)
class Correction:
    """A correction of one prediction.

    Attributes:
        model: Name of the model.
        version: Version of the model.
        text: The text, or its fields by name.
        predicted: The prediction: a label, a list of labels, or a number.
        label: The right label, in the same form.
    """

    model: str
    version: str
    text: str | dict[str, str]
    predicted: Json
    label: Json


class CorrectionStore:
    """Corrections in a database. Threads and processes may write at the same time.

    Attributes:
        name: The file, or the URL without its password.
        max_corrections: Maximum number of corrections.
    """

    def __init__(self, where: str, max_corrections: int = 1_000_000, create: bool = True) -> None:
        """Open the database.

        Args:
            where: A file for SQLite, or the URL of a database in the form of SQLAlchemy.
            max_corrections: Maximum number of corrections.
            create: Make the file, and the table in it, if there is none.

        Raises:
            TenorError: The database cannot be opened, or has no corrections and `create` is off.
        """
        self.max_corrections = max_corrections
        url = _url(where)
        options: dict[str, object] = {"pool_pre_ping": True}
        self.name = without_passwords(url.render_as_string(hide_password=True))
        if url.get_backend_name() == "postgresql":
            options["connect_args"] = {"connect_timeout": _TIMEOUT_S}
        if url.get_backend_name() == "sqlite":
            options = {"connect_args": {"timeout": _TIMEOUT_S}}
            self.name = url.database or ""
            _require_file(Path(self.name), create)
        try:
            self._engine = sql.create_engine(url, **options)
        except ModuleNotFoundError as error:
            if error.name == "psycopg":
                raise missing_extra(tr("Keeping corrections in PostgreSQL"), "postgresql") from None
            raise SettingsError(
                tr("{name}: this needs the package {package}.", name=self.name, package=error.name), tr("Install it.")
            ) from None
        except sql.exc.ArgumentError as error:
            raise SettingsError(
                tr("{place}: {problem}.", place=self.name, problem=error),
                tr("Give a file, or a URL in SQLAlchemy's form."),
            ) from None
        with self._database_errors():
            if create:
                self._create()
            elif not sql.inspect(self._engine).has_table(_CORRECTIONS.name):
                raise DataError(
                    tr("{name}: there are no corrections in this database.", name=self.name), tr("Name another.")
                )

    def add(self, correction: Correction) -> None:
        """Keep a correction.

        Raises:
            StoreFullError: There are `max_corrections` already.
            TenorError: The database does not take it.
        """
        row = {
            "time": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "model": correction.model,
            "version": correction.version,
            "text": _stored(correction.text),
            "predicted": json.dumps(correction.predicted, ensure_ascii=False),
            "label": json.dumps(correction.label, ensure_ascii=False),
        }
        with self._database_errors(), self._engine.begin() as connection:
            last = connection.execute(sql.select(sql.func.max(_CORRECTIONS.c.id))).scalar()
            if (last or 0) >= self.max_corrections:
                raise StoreFullError
            connection.execute(sql.insert(_CORRECTIONS), row)

    def models(self) -> list[str]:
        """Names of the models that were corrected, sorted."""
        with self._database_errors(), self._engine.connect() as connection:
            return sorted(connection.execute(sql.select(_CORRECTIONS.c.model).distinct()).scalars())

    def table(self, model: str | None = None) -> Table:
        """The corrections of a model as a table: the last one of each text, in the order in which they came.

        Args:
            model: Its name; None if there is only one.

        Raises:
            TenorError: There are several models, or none of this name, or the database cannot be read.
        """
        models = self.models()
        if model is None and len(models) > 1:
            problem = tr("{name}: there are corrections of {models}.", name=self.name, models=join_names(models))
            raise DataError(problem, tr("Name one of these models with `model=...`."))
        if not models or (model is not None and model not in models):
            known = tr(" There are some of {models}.", models=join_names(models)) if models else ""
            raise DataError(
                tr(
                    "{name}: there are no corrections{tr} yet.{known}",
                    name=self.name,
                    tr=tr(" of {model}", model=model) if models else "",
                    known=known,
                ),
                tr("Correct predictions on the page of the server first."),
            )
        model = model or models[0]
        fields = self._fields(model)
        columns = [*fields, *(f"correction_{name}" if name in fields else name for name in COLUMNS[1:])]
        return Table(self.name, columns, chunked(self._rows(model, fields), columns))

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _create(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(CreateTable(_CORRECTIONS, if_not_exists=True))
        except sql.exc.DBAPIError:  # PostgreSQL raises this if another process creates it at the same time
            if not sql.inspect(self._engine).has_table(_CORRECTIONS.name):
                raise

    def _rows(self, model: str, fields: list[str]) -> Iterator[list[Json]]:
        for row in self._last(model):
            label, predicted = json.loads(row.label), json.loads(row.predicted)
            text = _restored(row.text)
            values = [text.get(name) for name in fields]
            yield [*values, label, predicted, row.version, f"{row.time.isoformat()}Z"]

    def _fields(self, model: str) -> list[str]:
        """The fields of the texts of a model, in the order in which they came; `text` for a text without fields."""
        return list(dict.fromkeys(name for row in self._last(model) for name in _restored(row.text)))

    def _last(self, model: str) -> Iterator[sql.Row[Any]]:
        """The last correction of each text."""
        of_model = _CORRECTIONS.c.model == model
        last = sql.select(sql.func.max(_CORRECTIONS.c.id)).where(of_model).group_by(_CORRECTIONS.c.text)
        query = sql.select(_CORRECTIONS).where(_CORRECTIONS.c.id.in_(last)).order_by(_CORRECTIONS.c.id)
        with self._database_errors(), self._engine.connect().execution_options(yield_per=1_000) as connection:
            yield from connection.execute(query)

    @contextlib.contextmanager
    def _database_errors(self) -> Iterator[None]:
        """Raise an error of the database as a TenorError."""
        try:
            yield
        except sql.exc.DBAPIError as error:
            problem = tr(
                "{name}: the database of corrections says: {error}.",
                name=self.name,
                error=str(error.orig).splitlines()[0],
            )
            raise TenorError(problem, tr("Check that it is one, that it runs and that there is room.")) from None


def _stored(text: str | dict[str, str]) -> str:
    """A text as the database holds it; fields are JSON."""
    return text if isinstance(text, str) else _OBJECT + json.dumps(text, ensure_ascii=False)


def _restored(stored: str) -> dict[str, str]:
    """The fields of a text by name; `text` for a text without fields."""
    if stored.startswith(_OBJECT):
        with contextlib.suppress(json.JSONDecodeError, RecursionError):
            fields = json.loads(stored.removeprefix(_OBJECT))
            if isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values()):
                return fields
    return {"text": stored}


def _url(where: str) -> sql.URL:
    if "://" not in where:
        return sql.URL.create("sqlite", database=where)
    try:
        url = sql.make_url(where)
        # Manuals of servers write `postgres://`, for which SQLAlchemy would look for an older driver.
        return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url
    except (sql.exc.ArgumentError, ValueError):  # ValueError: a port that is not a number
        problem = tr("this is not the URL of a database.")
        raise SettingsError(problem, tr("Write the name of a file, or postgresql://USER:PASSWORD@HOST/NAME.")) from None


def _require_file(path: Path, create: bool) -> None:
    """Make an SQLite file that only its owner may read, since it holds texts; or require that it exists."""
    if path.is_symlink() and not path.exists():
        raise DataError(
            tr("{path}: this is a link that leads nowhere.", path=path), tr("Remove it, or choose another file.")
        )
    if not create and not path.is_file():
        raise DataError(tr("{path}: there is no such file.", path=path), tr("Check the path."))
    if create:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise DataError(
                tr("{path}: this cannot be written: {strerror}.", path=path, strerror=error.strerror),
                tr("Choose another file."),
            ) from None
