"""Files of a folder in Hugging Face's layout: read within a limit of size, with one error for all that is wrong."""

from pathlib import Path

from tenor._core import records, regular_files
from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError

_MAX_BYTES = 64 << 20


def read_json(path: Path, name: str) -> Record:
    """The object in a JSON file of a folder. Raises SettingsError where there is none."""
    try:
        return records.parse(read(path / name), name)
    except RecordError as error:
        raise damaged(path / name, str(error)) from None


def read_json_list(path: Path, name: str) -> Record:
    """A record whose only field, named as the file without its ending, is the list in a JSON file."""
    try:
        return records.parse(b'{"%s": %s}' % (Path(name).stem.encode(), read(path / name)), name)
    except RecordError as error:
        raise damaged(path / name, str(error)) from None


def read_options(path: Path, name: str) -> JsonObject:
    """The object in a JSON file of a folder; empty where there is no such file."""
    return read_json(path, name).values if (path / name).exists() else {}


def read(path: Path) -> bytes:
    """All bytes of a file. Raises SettingsError where it is not a plain file, is too large, or cannot be read."""
    try:
        return regular_files.read(path, _MAX_BYTES, allow_links=True)
    except IrregularFileError as error:
        raise damaged(path, tr("it {error}", error=error)) from None
    except OSError as error:
        raise SettingsError(
            tr("{path}: this cannot be read: {strerror}.", path=path, strerror=error.strerror or error),
            tr("Give the folder of a model in Hugging Face's layout: config.json, model.safetensors, tokenizer.json."),
        ) from None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8. Raises SettingsError as `read`, and where it is not UTF-8."""
    try:
        return read(path).decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise damaged(path, tr("it is not UTF-8 (byte {start:,})", start=error.start)) from None


def damaged(path: Path, problem: str) -> SettingsError:
    """The error for a damaged file."""
    return SettingsError(
        tr("{path}: this is damaged: {problem}.", path=path, problem=problem), tr("Download the model again.")
    )
