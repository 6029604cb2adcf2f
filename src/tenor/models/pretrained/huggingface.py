"""Pretrained encoders in Hugging Face's layout: config.json, weights, tokenizer.json -> our layers' weights.

`model_types.MODEL_TYPES` lists the model types. Nothing in a folder is executed.
Files may be links, as in the cache of a hub, but only to plain files of limited size.
"""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tenor._core.language import join_names, tr
from tenor._core.printable import printable
from tenor._core.records import JsonObject, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError
from tenor.models.pretrained import (
    folder_files,
    model_configs,
    model_types,
    tokenizer_files,
    weight_conversion,
    weight_files,
)
from tenor.models.pretrained.architectures import Architecture
from tenor.models.pretrained.model_types import MODEL_TYPES, ModelType
from tenor.models.pretrained.weight_conversion import Weights
from tenor.models.pretrained.weight_files import WeightFiles
from tenor.text import tokenizer_json

Result = TypeVar("Result")


@dataclass(frozen=True)
class EncoderFolder:
    """A folder in Hugging Face's layout.

    Attributes:
        path: The folder.
        model_type: `model_type` of config.json, a key of `MODEL_TYPES`.
        architecture: The shape of the encoder.
        padding: The id of padding, which is the tokenizer's.
        tokenizer: The content of tokenizer.json.
    """

    path: Path
    model_type: str
    architecture: Architecture
    padding: int
    tokenizer: JsonObject

    @property
    def names(self) -> ModelType:
        """The names of its tensors."""
        return MODEL_TYPES[self.model_type]


def read_folder(path: Path) -> EncoderFolder:
    """Read all of a folder but the weights; the same folder again only if a file has changed.

    Raises:
        SettingsError: It is not an encoder of a known type.
    """
    return _read_folder(path, _stamps(path))


def _stamps(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Name, inode, size and time of change of each file, for links those of their targets; empty without a folder."""
    result = []
    with contextlib.suppress(OSError):
        for file in sorted(path.iterdir()):
            with contextlib.suppress(OSError):  # a link that leads nowhere
                status = file.stat()
                result.append((file.name, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(result)


@functools.lru_cache(1)  # large vocabularies take up to a second to read, and 100 MB of memory
def _read_folder(path: Path, _: tuple[tuple[str, int, int, int], ...]) -> EncoderFolder:
    config = folder_files.read_json(path, "config.json")
    model_type = config.values.get("model_type")
    if not isinstance(model_type, str) or model_type not in MODEL_TYPES:
        near = model_types.nearest(model_type) if isinstance(model_type, str) else []
        nearest = (
            tr("The nearest known types are {near}; all known types", near=join_names(near))
            if near
            else tr("Known types")
        )
        raise SettingsError(
            tr(
                "{path}: the model is of type {model_type!r:.60}, which Tenor does not know.",
                path=path,
                model_type=model_type,
            ),
            tr(
                "Choose an encoder of a known type. {nearest} are {model_types}.",
                nearest=nearest,
                model_types=join_names(MODEL_TYPES),
            ),
        )
    try:
        architecture = model_configs.from_config(MODEL_TYPES[model_type], config)
        has_padding = bool(config.values.get("pad_token_id"))
        padding = config.integer("pad_token_id", 0, architecture.tokens - 1) if has_padding else 0
    except RecordError as error:
        raise SettingsError(
            tr(
                "{path}: config.json does not describe a model of type {model_type}: {error}.",
                path=path,
                model_type=model_type,
                error=error,
            ),
            tr("Download the model again."),
        ) from None
    tokenizer = tokenizer_files.read(path, model_type)
    of_tokenizer = tokenizer_json.padding_id(tokenizer, tokenizer_files.read_options(path, model_type).values)
    if of_tokenizer is not None and of_tokenizer < architecture.tokens:
        padding = of_tokenizer  # config.json of some encoders names another id, which is that of a real token
    return EncoderFolder(
        path=path, model_type=model_type, architecture=architecture, padding=padding, tokenizer=tokenizer
    )


def read_weights(folder: EncoderFolder, architecture: Architecture | None = None) -> Weights:
    """Read the encoder's weights. Raises SettingsError if one is missing or damaged.

    Args:
        folder: The folder.
        architecture: Its architecture, if that has a second segment.
    """
    shape = folder.architecture if architecture is None else architecture
    return _with_settings_errors(
        folder, lambda: weight_conversion.convert(shape, folder.names, folder.padding, _open_weights(folder))
    )


def check_weights(folder: EncoderFolder) -> None:
    """Compare the shapes of the largest weights with the architecture, before a network is built.

    Raises:
        SettingsError: A shape differs, or a file cannot be read.
    """
    _with_settings_errors(
        folder, lambda: weight_conversion.check_shapes(folder.architecture, folder.names, _open_weights(folder))
    )


def has_two_segments(folder: EncoderFolder) -> bool:
    """Whether the encoder tells the tokens of two texts apart. Raises SettingsError if its weights cannot be read."""
    return _with_settings_errors(
        folder, lambda: weight_conversion.has_two_segments(folder.names, _open_weights(folder))
    )


def _with_settings_errors(folder: EncoderFolder, read: Callable[[], Result]) -> Result:
    """Call a function that reads weights, and turn its errors into a SettingsError."""
    try:
        return read()
    except SettingsError:
        raise
    except KeyError as error:
        problem = tr("there is no {error}", error=error)
    except MemoryError:
        problem = tr("they take more memory than there is")
    except OSError as error:
        problem = error.strerror or str(error)
    except (ValueError, IrregularFileError) as error:
        problem = printable(str(error).partition("\n")[0])[:300]
    raise SettingsError(
        tr(
            "{path}: the weights of the {model_type} encoder cannot be read: {problem}.",
            path=folder.path,
            model_type=folder.model_type,
            problem=problem,
        ),
        tr("Download the model again."),
    )


def _open_weights(folder: EncoderFolder) -> WeightFiles:
    index = weight_files.index_name(folder.path)
    return WeightFiles(folder.path, folder_files.read_json(folder.path, index) if index else None)
