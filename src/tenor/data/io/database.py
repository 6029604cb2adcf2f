"""A database as a table: the rows of a query, read through SQLAlchemy. The database is not changed.

The URL may hold a password. It is never shown: names, messages and saved files have `***` in its place.
"""

import contextlib
import datetime
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenor._core.language import mark, tr
from tenor._core.printable import without_passwords
from tenor.data.io.chunks import CHUNK_ROWS, Cell, Table, chunked, distinct_names
from tenor.errors import DataError, missing_extra

if TYPE_CHECKING:
    import sqlalchemy

_REMEDY = mark("Check the URL, the query, and that the server runs; a password may also be in ~/.pgpass or PGPASSWORD.")
_FILE_REMEDY = mark("Check the query: it may only read, from tables that the file has.")


@dataclass(frozen=True)
class DatabaseUrl:
    """The URL of a database, such as `sqlite:///reviews.db` or `postgresql+psycopg://me@host/shop`.

    Attributes:
        url: The URL with its password, which `repr` leaves out.

    Raises:
        DataError: There is a blank in it. The password would end there in messages, and its rest would be shown.
    """

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        if any(map(str.isspace, self.url)):
            raise DataError(tr("the URL of the database has a blank in it."), tr("Write the blank as %20."))

    @property
    def name(self) -> str:
        """The URL without its password, for messages."""
        return without_passwords(self.url)


def is_url(source: str) -> bool:
    """Whether a source is the URL of a database: no file has such a name."""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.replace("+", "").isalnum()


def read(database: DatabaseUrl, query: str | None) -> Table:
    """Open the rows of a query.

    The query runs again for the rows, and where they are read twice. `ORDER BY` makes it give them in the same order.

    Args:
        database: The database.
        query: The query in SQL.

    Raises:
        DataError: There is no query, the database cannot be reached, or the query fails.
        MissingExtraError: SQLAlchemy is not installed.
    """
    name = database.name
    if query is None or not query.strip():
        raise DataError(
            tr("{name}: a database is read with a query.", name=name),
            tr("Name it with `query=...`, as in SELECT * FROM t."),
        )
    try:
        import sqlalchemy
    except ImportError:
        raise missing_extra(tr("reading databases"), "sql") from None
    failures = (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError, UnicodeError)
    engine = _engine(database)

    def results() -> Generator[Any, None, None]:
        """The names of the columns, then the rows."""
        options: dict[str, Any] = {"stream_results": True, "max_row_buffer": CHUNK_ROWS, "no_parameters": True}
        if engine.dialect.name == "postgresql":
            options["postgresql_readonly"] = True
        try:
            with engine.connect().execution_options(**options) as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = ON")
                result = connection.exec_driver_sql(query)
                if not result.returns_rows:
                    raise DataError(tr("{name}: the query gives no rows.", name=name), tr("Give a SELECT."))
                yield list(result.keys())
                yield from result
        except failures as error:
            if isinstance(error, DataError):
                raise
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()
            problem = without_passwords(cause[0] if cause else type(error).__name__)
            remedy = _FILE_REMEDY if engine.dialect.name == "sqlite" else _REMEDY
            raise DataError(tr("{place}: {problem}.", place=name, problem=problem.rstrip(".")), tr(remedy)) from None

    with contextlib.closing(results()) as opened:
        columns = distinct_names([str(column) for column in next(opened)])

    def rows() -> Iterator[list[Cell]]:
        with contextlib.closing(results()) as again:
            next(again)
            for row in again:
                yield list(map(_cell, row))

    return Table(name, columns, chunked(rows(), columns))


def _engine(database: DatabaseUrl) -> "sqlalchemy.Engine":
    """The engine of a database. Raises DataError if the URL is broken or its driver is missing."""
    import sqlalchemy

    try:
        try:
            url = sqlalchemy.make_url(database.url)
        except ValueError as error:  # a port that is not a number
            raise sqlalchemy.exc.ArgumentError from error
        file = url.database if url.get_backend_name() == "sqlite" else None
        if file and file != ":memory:" and not file.startswith("file:") and not Path(file).is_file():
            raise DataError(
                tr("{file}: there is no such file.", file=file),
                tr("Check the path: sqlite:///relative or sqlite:////absolute."),
            )
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    except sqlalchemy.exc.ArgumentError:
        raise DataError(tr("{name}: this is not the URL of a database.", name=database.name), tr(_REMEDY)) from None
    except ModuleNotFoundError as error:
        raise DataError(
            tr("{name}: the driver {driver!r} is not installed.", name=database.name, driver=error.name),
            tr("Install it: pip install {name}.", name=error.name),
        ) from None


def _cell(value: Any) -> Cell:
    """A value of a row as a cell."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, memoryview):
        return bytes(value)
    return str(value) if isinstance(value, uuid.UUID) else value
