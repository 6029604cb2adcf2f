"""What Hugging Face's `datasets` writes: folders of `save_to_disk`, and names of classes in the schema of a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenor._core.language import tr
from tenor.data.io.chunks import Cell
from tenor.errors import DataError, listed

if TYPE_CHECKING:
    import pyarrow

_STATE, _PARTS = "state.json", "dataset_dict.json"
_KEY = b"huggingface"
_MAX_BYTES = 16 << 20  # of a file beside the data, and of the metadata of a schema

ToNames = Callable[[Cell], Cell]
"""Gives the names of the classes that a value has as numbers."""


def data_files(folder: Path) -> list[Path]:
    """The files of a folder that `save_to_disk` wrote, in their order; an empty list for another folder.

    Raises:
        DataError: The folder has several parts, such as train and validation, or its rows are chosen by indices.
    """
    name = folder.name or str(folder)
    if (folder / _PARTS).is_file():
        parts = sorted(part.name for part in folder.iterdir() if (part / _STATE).is_file())
        example = folder / (parts[0] if parts else "train")
        raise DataError(
            tr("{name}: this folder has the parts {parts}.", name=name, parts=listed(parts)),
            tr("Give one, such as '{example}'.", example=example),
        )
    if not (folder / _STATE).is_file():
        return []
    try:
        state = json.loads((folder / _STATE).read_bytes()[:_MAX_BYTES])
        files = [Path(each["filename"]).name for each in state["_data_files"]]
        indices = state.get("_indices_data_files") or state.get("_indices_files")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError(
            tr("{name}: {state} is damaged.", name=name, state=_STATE), tr("Write the dataset again with save_to_disk.")
        ) from None
    if indices:
        raise DataError(
            tr("{name}: the rows of this dataset are chosen by indices.", name=name),
            tr("Write it again: dataset.flatten_indices().save_to_disk(...)."),
        )
    return [folder / file for file in files]


def class_names(schema: "pyarrow.Schema") -> dict[str, ToNames]:
    """For each column of class numbers, what gives their names, as the metadata of a schema has them."""
    metadata = (schema.metadata or {}).get(_KEY, b"")
    if not metadata or len(metadata) > _MAX_BYTES:
        return {}
    try:
        features = json.loads(metadata)["info"]["features"]
        items = list(features.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    converters = {}
    for column, feature in items:
        names = _names(feature)
        inner = feature.get("feature") if isinstance(feature, dict) else None
        inner = feature[0] if isinstance(feature, list) and feature else inner
        if names or (names := _names(inner)):
            converters[column] = _converter(names)
    return converters


def _names(feature: Any) -> list[str]:
    """The names of a feature of classes; none for other features."""
    names = feature.get("names") if isinstance(feature, dict) else None
    is_classes = isinstance(feature, dict) and feature.get("_type", "ClassLabel") == "ClassLabel"
    return names if is_classes and isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _converter(names: list[str]) -> ToNames:
    def to_names(value: Cell) -> Cell:
        if isinstance(value, list):
            return [to_names(each) for each in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return names[value] if 0 <= value < len(names) else None if value == -1 else value
        return value

    return to_names
