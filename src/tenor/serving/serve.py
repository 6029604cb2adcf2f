"""A server of this process: models, where it listens, and where it keeps corrections."""

from collections.abc import Sequence
from pathlib import Path

from tenor._core.language import tr
from tenor.errors import DataError
from tenor.serving.app import create_app
from tenor.serving.options import ServerOptions
from tenor.serving.running import default_signals, log_line, run


def serve(models: Sequence[Path], options: ServerOptions, host: str, port: int, corrections: str | None = None) -> None:
    """Serve models until SIGTERM or Ctrl-C. The process has to end after this.

    Args:
        models: Folders of the models.
        options: How the server is run.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        corrections: A file for SQLite, or the URL of a database, for corrections; None: the server takes none.

    Raises:
        TenorError: A folder is not a model, the server cannot listen there, or the database cannot be opened.
    """
    store = None
    if corrections is not None:
        from tenor.data.correction_store import CorrectionStore

        store = CorrectionStore(corrections)
    with default_signals():
        app = create_app(models, options, log_line, store)
    run(app, options.limits.timeout_s, host, port)


def read_keys(path: Path) -> tuple[str, ...]:
    """The API keys of a file, one on each line. Raises DataError if there is none, or the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            tr("{path}: the keys cannot be read: {error}.", path=path, error=error),
            tr("Give a text file, a key a line."),
        ) from None
    keys = tuple(line.strip() for line in lines if line.strip())
    if not keys:
        raise DataError(tr("{path}: there is no key.", path=path), tr("Write one on a line."))
    return keys
