"""Bytes of a file -> text, with the place of whatever is wrong in it."""

import codecs
from collections.abc import Callable, Iterable, Iterator

from tenor._core.language import tr
from tenor.data.io import encodings
from tenor.data.io.encodings import Encoding
from tenor.errors import DataError, Location

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\3\4": "zip",
}  # how compressed files begin


def decode_lines(raws: Iterable[bytes], encoding: Encoding, at: Callable[[], Location]) -> Iterator[str]:
    """Decode lines, without the byte order mark.

    Args:
        raws: The lines, in an encoding that keeps ASCII.
        encoding: The encoding of the file.
        at: Gives the place of the current line.

    Raises:
        DataError: A line is not valid in the encoding, or the encoding changes.
    """
    position, weight, since = 0, 0, at()
    for raw in raws:
        if encoding.name == "gb18030":
            # One line may be valid UTF-8 by chance, but not several in a row.
            since = since if weight else at()
            evidence = encodings.weight(raw)
            weight = 0 if evidence is None else weight + evidence
            if weight >= encodings.CERTAIN_WEIGHT:
                raise _changed(since, encoding.name, "utf-8")
        line = decode(raw, encoding, position, at)
        if not (encoding.is_certain or line.isascii()):
            encoding = encoding._replace(is_certain=True)
        yield line
        position += len(raw)


def _changed(at: Location, encoding: str, other: str) -> DataError:
    """The error for a line in another encoding than the file."""
    return DataError(
        tr("this line is {encoding}, and others are {other}.", encoding=other.upper(), other=encoding.upper()),
        tr("Save all of the file as UTF-8."),
        at,
    )


def decode(raw: bytes, encoding: Encoding, position: int, at: Callable[[], Location]) -> str:
    """Decode bytes that begin at `position` of a file, without the byte order mark.

    The other arguments, and the errors, are as for `decode_lines`.
    """
    name = encoding.name
    mark = len(codecs.BOM_UTF8) if position == 0 and name == "utf-8" and raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode(name)
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):  # UTF-16 or UTF-32 without a mark
            raise DataError(
                tr("this is not valid {upper}: {error}.", upper=name.upper(), error=error), _remedy(encoding), at()
            ) from None
        kind = next((kind for magic, kind in _MAGIC.items() if position == 0 and raw.startswith(magic)), None)
        if kind is not None:
            raise DataError(
                tr("this is compressed by {kind}, but its name does not say so.", kind=kind),
                tr("Decompress it ({kind} -dc), or give a file whose name ends like that.", kind=kind),
                at(),
            ) from None
        other = encodings.other_encoding(raw, name) if encoding.is_certain else None
        if other is not None:
            raise _changed(at(), name, other) from None
        raise DataError(
            tr(
                "byte {position} of the file is not valid {upper}.",
                position=position + mark + error.start,
                upper=name.upper(),
            ),
            _remedy(encoding),
            at(),
        ) from None


def _remedy(encoding: Encoding) -> str:
    """What to do about a byte that is not valid in the encoding of the file."""
    if encoding.candidates:
        readings = "; ".join(f"{name}: {sample}" for name, sample in encoding.candidates)
        return tr("Save the file as UTF-8, or name its encoding with `encoding=...` ({readings}).", readings=readings)
    if encoding.is_certain and encoding.name == "utf-8":
        return tr("The file is UTF-8 but for such bytes: fix them, or drop them (iconv -c -f UTF-8 -t UTF-8).")
    return tr("Save the file as UTF-8, or name its encoding with `encoding=...`.")
