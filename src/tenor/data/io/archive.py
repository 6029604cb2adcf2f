"""A ZIP archive (`.zip`) with one table, as data sites serve their files."""

import io
import zipfile
from pathlib import Path

from tenor._core.language import tr
from tenor.data.io.formats import BINARY, FORMATS, suffix
from tenor.errors import DataError, listed

DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError)
"""What `zipfile` raises for an archive that it cannot read: damage, an unknown compression, a password."""

MAX_MEMBERS = 10_000


def table_name(path: Path, name: str) -> str:
    """The name of the one table in an archive; `name` is the archive's for messages.

    Raises:
        DataError: The archive is damaged or needs a password, or it has no table or several.
        OSError: It cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except DAMAGED as error:
        raise damaged(name, error) from None
    if len(members) > MAX_MEMBERS:
        raise DataError(
            tr("{name}: the archive has more than {max_members:,} files.", name=name, max_members=MAX_MEMBERS),
            tr("Unpack the table that you mean."),
        )
    tables = [member for member in members if suffix(Path(member.filename)) in FORMATS and not _is_hidden(member)]
    plain = [member for member in tables if suffix(Path(member.filename)) != ".txt"] or tables  # a README beside it
    if len(plain) != 1:
        names = [member.filename for member in plain or members]
        raise DataError(
            tr(
                "{name}: the archive has {tr}: {names}.",
                name=name,
                tr=tr("several tables") if plain else tr("no table"),
                names=listed(names) or tr("it is empty"),
            ),
            tr("Unpack it, and give the file or the folder that you mean."),
        )
    if suffix(Path(plain[0].filename)) in BINARY:
        raise DataError(
            tr("{name}: {filename!r} is read only outside an archive.", name=name, filename=plain[0].filename),
            tr("Unpack it first."),
        )
    if plain[0].flag_bits & 1:
        raise DataError(
            tr("{name}: the archive needs a password.", name=name), tr("Unpack it, and give the file in it.")
        )
    return plain[0].filename


def open_member(path: Path, name: str) -> io.BufferedIOBase:
    """The content of the table in an archive as a stream. Raises DataError as `table_name`."""
    member = table_name(path, name)
    try:
        return zipfile.ZipFile(path).open(member)  # type: ignore[return-value]
    except DAMAGED as error:
        raise damaged(name, error) from None


def damaged(name: str, error: Exception) -> DataError:
    """The error for an archive that cannot be read."""
    return DataError(
        tr("{name}: the archive cannot be read: {error}.", name=name, error=error),
        tr("Copy it again, or unpack it yourself."),
    )


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    """Whether an operating system left this entry, or it is a folder."""
    parts = Path(member.filename).parts
    return member.is_dir() or "__MACOSX" in parts or any(part.startswith(".") for part in parts)
