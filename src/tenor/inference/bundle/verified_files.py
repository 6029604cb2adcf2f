"""The files of a saved model, compared with the sizes and hashes of the manifest before anything else reads them."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from tenor._core import atomic, records, regular_files
from tenor._core.language import tr
from tenor._core.records import RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import BundleError
from tenor.inference.bundle.damage import damaged, first_line
from tenor.inference.bundle.format import (
    ENCODER,
    FORMAT,
    MANIFEST,
    METADATA,
    METRICS,
    WEIGHTS,
    is_desktop_file,
    is_graph,
    is_model_file,
)

_LARGEST_TEXT, _LARGEST_BINARY, _LARGEST_FOLDER = 256 << 20, 16 << 30, 32 << 30  # bytes
_VERSION_DIGITS = 12


class _Entry(NamedTuple):
    """A line of the manifest."""

    size: int
    sha256: str


def digest(folder: Path) -> str:
    """SHA-256 of the manifest, which identifies the whole folder; empty without a manifest."""
    try:
        return hashlib.sha256(regular_files.read(atomic.existing_path(folder) / MANIFEST, _LARGEST_TEXT)).hexdigest()
    except (FileNotFoundError, NotADirectoryError, IrregularFileError):
        return ""


def version(folder: Path) -> str:
    """The version of the model in a folder, 12 digits. It changes with the model; empty without a model."""
    return short_version(digest(folder))


def short_version(digest: str) -> str:
    """The first digits of a digest, for people. Two folders can be made to have the same."""
    return digest[:_VERSION_DIGITS]


def has_onnx_graph(folder: Path) -> bool:
    """Whether a model's folder has an ONNX graph."""
    return any(is_graph(entry.name) for entry in atomic.existing_path(folder).iterdir())


def read(folder: Path) -> dict[str, bytes]:
    """The contents of a saved model by file name, the manifest among them.

    Raises:
        BundleError: The folder is not a saved model, or a file is missing, is not the saved one or cannot be read.
    """
    try:
        return _read_verified(atomic.existing_path(folder))
    except OSError as error:
        raise BundleError(
            tr("{folder}: the model cannot be read: {strerror}.", folder=folder, strerror=error.strerror or error),
            tr("If it was just replaced, try again."),
        ) from None


def _read_verified(folder: Path) -> dict[str, bytes]:
    remedy = tr("Give the folder that a model was saved to.")
    if not folder.exists():
        raise BundleError(tr("{folder}: there is no such folder.", folder=folder), remedy)
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            tr("{folder}: this is not a saved model: there is no {manifest}.", folder=folder, manifest=MANIFEST), remedy
        )
    contents = {MANIFEST: _read_file(folder, MANIFEST, None)}
    entries = _parse_manifest(folder, contents[MANIFEST])
    _check_names(folder, entries)
    for name, (size, sha256) in entries.items():
        data = _read_file(folder, name, size)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise damaged(folder, tr("{name} is not the file that was saved", name=name))
        contents[name] = data
    return contents


def _parse_manifest(folder: Path, data: bytes) -> dict[str, _Entry]:
    try:
        manifest = records.parse(data, MANIFEST)
        number, files = manifest.integer("format", 1, 1 << 31), manifest.record("files")
        parts = {name: files.record(name) for name in files.values}
        entries = {
            name: _Entry(part.integer("size", 0, 1 << 62), part.string("sha256", 64)) for name, part in parts.items()
        }
    except RecordError as error:
        raise damaged(
            folder, tr("{manifest} cannot be read: {first_line}", manifest=MANIFEST, first_line=first_line(str(error)))
        ) from None
    if number > FORMAT:
        raise BundleError(
            tr("{folder}: this was saved by a newer Tenor (format {number}).", folder=folder, number=number),
            tr("Update Tenor."),
        )
    return entries


def _check_names(folder: Path, entries: dict[str, _Entry]) -> None:
    """Refuse a folder with files too many, too few or too large."""
    for name in entries:
        if not is_model_file(name) or name == MANIFEST:
            raise damaged(
                folder,
                tr(
                    "{manifest} names {name!r}, which is not a file of a saved model",
                    manifest=MANIFEST,
                    name=name[:100],
                ),
            )
    if (total := sum(entry.size for entry in entries.values())) > _LARGEST_FOLDER:
        raise damaged(
            folder,
            tr(
                "its files have {total:,} bytes, and {largest_folder:,} are allowed",
                total=total,
                largest_folder=_LARGEST_FOLDER,
            ),
        )
    present = {entry.name for entry in folder.iterdir() if not is_desktop_file(entry.name)}
    for name in sorted(present - set(entries) - {MANIFEST}):
        raise BundleError(
            tr("{folder}: this file does not belong there: {name!r}.", folder=folder, name=name),
            tr("A saved model has no files but its own. If this one is yours, move it elsewhere."),
        )
    for name in sorted({*entries, METADATA, ENCODER, WEIGHTS, METRICS} - present):
        raise damaged(folder, tr("{name} is missing", name=name))


def _read_file(folder: Path, name: str, size: int | None) -> bytes:
    """The bytes of a file, which must have this size; None: any size."""
    limit = _LARGEST_BINARY if name.endswith((".safetensors", ".onnx")) else _LARGEST_TEXT
    try:
        return regular_files.read(folder / name, limit, size)
    except IrregularFileError as error:
        raise damaged(folder, f"{name} {error}") from None
    except MemoryError:
        raise damaged(folder, tr("{name} is larger than the memory that there is", name=name)) from None
