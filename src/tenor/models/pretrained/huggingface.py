"""Pretrained encoders in Hugging Face's layout: config.json, weights, tokenizer.json -> our layers' weights.

`architectures.MODEL_TYPES` lists the model types. Nothing in a folder is executed.
Files may be links, as in the cache of a hub, but only to plain files of limited size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError
from tenor.models.neural import shapes
from tenor.models.pretrained import architectures, folder_files, tokenizer_files, weight_files
from tenor.models.pretrained.architectures import MODEL_TYPES, Architecture, ModelType
from tenor.models.pretrained.weight_files import WeightFiles
from tenor.text import tokenizer_json

Result = TypeVar("Result")
Weights = dict[str, npt.NDArray[np.float32]]
"""Path of a variable of our layers -> its value."""

_TOKENS = "embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
_SEGMENTS = "embeddings.token_type_embeddings.weight"
_EMBEDDING_NORM = "embeddings.LayerNorm"


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
    """Read all of a folder but the weights. Raises SettingsError if it is not an encoder of a known type."""
    config = folder_files.read_json(path, "config.json")
    model_type = config.values.get("model_type")
    if not isinstance(model_type, str) or model_type not in MODEL_TYPES:
        known = ", ".join(MODEL_TYPES)
        raise SettingsError(f"{path}: the model is of type {model_type!r:.60}.", f"Known types: {known}.")
    try:
        architecture = architectures.from_config(MODEL_TYPES[model_type], config)
        has_padding = bool(config.values.get("pad_token_id"))
        padding = config.integer("pad_token_id", 0, architecture.tokens - 1) if has_padding else 0
    except RecordError as error:
        raise SettingsError(
            f"{path}: config.json does not describe a model of type {model_type}: {error}.",
            "Download the model again.",
        ) from None
    tokenizer = tokenizer_files.read(path, model_type)
    of_tokenizer = tokenizer_json.padding_id(tokenizer, tokenizer_files.read_options(path, model_type).values)
    if of_tokenizer is not None and of_tokenizer < architecture.tokens:
        padding = of_tokenizer  # config.json of some encoders names another id, which is that of a real token
    return EncoderFolder(
        path=path, model_type=model_type, architecture=architecture, padding=padding, tokenizer=tokenizer
    )


def read_weights(folder: EncoderFolder) -> Weights:
    """Read the encoder's weights. Raises SettingsError if one is missing or damaged."""
    return _with_settings_errors(folder, lambda: _read_all(folder))


def check_weights(folder: EncoderFolder) -> None:
    """Compare the shapes of the largest weights with the architecture, before a network is built.

    Raises:
        SettingsError: A shape differs, or a file cannot be read.
    """
    _with_settings_errors(folder, lambda: _check_shapes(folder, _open_weights(folder)))


def _with_settings_errors(folder: EncoderFolder, read: Callable[[], Result]) -> Result:
    """Call a function that reads weights, and turn its errors into a SettingsError."""
    try:
        return read()
    except SettingsError:
        raise
    except KeyError as error:
        problem = f"there is no {error}"
    except MemoryError:
        problem = "they take more memory than there is"
    except OSError as error:
        problem = error.strerror or str(error)
    except (ValueError, IrregularFileError) as error:
        problem = ascii(str(error).partition("\n")[0])[1:-1][:300]
    raise SettingsError(
        f"{folder.path}: the weights of the {folder.model_type} encoder cannot be read: {problem}.",
        "Download the model again.",
    )


def _read_all(folder: EncoderFolder) -> Weights:
    shape, weights = folder.architecture, dict(_convert(folder, _open_weights(folder)))
    expected = dict(shapes.embeddings(shape.tokens, shape.positions, shape.width, shape.inner, normalised=True))
    for number in range(shape.stored_blocks):
        expected |= shapes.block(number, shape.width, shape.hidden)
    for name, array in weights.items():
        if array.shape != expected[name]:
            raise ValueError(f"{name!r} has the shape {array.shape}, and config.json asks for {expected[name]}")
    return weights


def _open_weights(folder: EncoderFolder) -> WeightFiles:
    index = weight_files.index_name(folder.path)
    return WeightFiles(folder.path, folder_files.read_json(folder.path, index) if index else None)


def _check_shapes(folder: EncoderFolder, files: WeightFiles) -> None:
    """Check most of the network's size: its tables, and one matrix each of the attention and feed-forward layers."""
    shape, block = folder.architecture, folder.names.block
    expected: dict[str, tuple[int, ...]] = {_TOKENS: (shape.tokens, shape.inner)}
    for number in range(shape.stored_blocks):
        expected[f"{block.name(number, 'query')}.weight"] = (shape.width, shape.width)
        expected[f"{block.name(number, 'up')}.weight"] = (shape.hidden, shape.width)
    for name, expected_shape in expected.items():
        if (actual := files.shape(name)) != expected_shape:
            raise ValueError(f"{name} has the shape {actual}, and config.json asks for {expected_shape}")
    actual = files.shape(_POSITIONS)
    if len(actual) != 2 or actual[0] < shape.positions or actual[1] != shape.inner:
        expected_shape = shape.positions, shape.inner
        raise ValueError(f"{_POSITIONS} has the shape {actual}, and config.json asks for {expected_shape}")


def _convert(folder: EncoderFolder, files: WeightFiles) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Path and value of each variable of our layers."""
    _check_shapes(folder, files)
    yield from _convert_embeddings(folder, files)
    block = folder.names.block
    for number in range(folder.architecture.stored_blocks):
        layer, name = f"block_{number}", block.name
        projections = [name(number, part) for part in ("query", "key", "value")]
        kernels = [files.read(f"{each}.weight").T for each in projections]
        yield f"{layer}/query_key_value", np.concatenate(kernels, axis=1)
        yield f"{layer}/query_key_value_bias", np.concatenate([files.read(f"{each}.bias") for each in projections])
        for part in ("attended", "up", "down"):
            yield f"{layer}/{part}", files.read(f"{name(number, part)}.weight").T
            yield f"{layer}/{part}_bias", files.read(f"{name(number, part)}.bias")
        for part in ("attention", "feed_forward"):
            yield f"{layer}/{part}_scale", files.read(f"{name(number, part)}.weight")
            yield f"{layer}/{part}_shift", files.read(f"{name(number, part)}.bias")


def _convert_embeddings(folder: EncoderFolder, files: WeightFiles) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    shape = folder.architecture
    tokens = files.read(_TOKENS)
    tokens[[0, folder.padding]] = tokens[[folder.padding, 0]]  # our id of padding is 0
    yield "embeddings/token", tokens
    positions = files.read(_POSITIONS)
    positions = positions[len(positions) - shape.positions :]
    if _SEGMENTS in files:  # all tokens are of the first segment
        segments = files.read(_SEGMENTS)
        if segments.ndim != 2 or not len(segments) or segments.shape[1] != shape.inner:
            raise ValueError(f"{_SEGMENTS} has the shape {segments.shape}")
        positions = positions + segments[0]
    yield "embeddings/position", positions
    yield "embeddings/scale", files.read(f"{_EMBEDDING_NORM}.weight")
    yield "embeddings/shift", files.read(f"{_EMBEDDING_NORM}.bias")
    if shape.inner != shape.width:
        yield "embeddings/kernel", files.read(f"{folder.names.projection}.weight").T
        yield "embeddings/bias", files.read(f"{folder.names.projection}.bias")
