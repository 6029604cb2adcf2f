"""The tensors of a folder in Hugging Face's layout -> the weights of our layers, by the paths of their variables."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.models.pretrained.architectures import Architecture
from tenor.models.pretrained.model_types import ModelType
from tenor.models.pretrained.weight_files import WeightFiles

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]
"""Path of a variable of our layers -> its value."""


def convert(architecture: Architecture, names: ModelType, padding: int, files: WeightFiles) -> Weights:
    """Read and convert all weights of the encoder.

    Args:
        architecture: Its shape.
        names: The names of its tensors.
        padding: The id of padding.
        files: The files.

    Raises:
        KeyError: A tensor is missing.
        ValueError: A tensor has another shape than the architecture asks for.
    """
    check_shapes(architecture, names, files)
    weights = dict(_convert_embeddings(architecture, names, padding, files))
    for number in range(architecture.stored_blocks):
        weights |= _convert_block(architecture, names, number, files)
    expected = dict(architecture.weights())
    for name, array in weights.items():
        if array.shape != expected[name]:
            raise ValueError(
                tr(
                    "{name!r} has the shape {shape}, and config.json asks for {expected}",
                    name=name,
                    shape=array.shape,
                    expected=expected[name],
                )
            )
    return weights


def check_shapes(architecture: Architecture, names: ModelType, files: WeightFiles) -> None:
    """Check most of the network's size: its tables, and one matrix each of the attention and feed-forward layers."""
    tables, block, width = names.embeddings, names.block, architecture.width
    tokens, positions = f"{tables.tokens}.weight", f"{tables.positions}.weight"
    expected: dict[str, tuple[int, ...]] = {tokens: (architecture.tokens, architecture.inner)}
    for number in range(architecture.stored_blocks):
        shapes = dict(architecture.block_shape(number).weights(width))
        first = block.query_key_value[0]
        rows = width if len(block.query_key_value) > 1 else shapes["query_key_value"][1]
        expected[f"{block.name(number, first)}.weight"] = (rows, width)
        expected[f"{block.name(number, block.up[0])}.weight"] = (shapes["up"][1] // len(block.up), width)
    for name, expected_shape in expected.items():
        if (actual := files.shape(name)) != expected_shape:
            raise ValueError(
                tr(
                    "{name} has the shape {actual}, and config.json asks for {expected_shape}",
                    name=name,
                    actual=actual,
                    expected_shape=expected_shape,
                )
            )
    if not architecture.absolute_positions:
        return
    actual = files.shape(positions)
    if len(actual) != 2 or actual[0] < architecture.positions or actual[1] != architecture.inner:
        expected_shape = architecture.positions, architecture.inner
        raise ValueError(
            tr(
                "{positions} has the shape {actual}, and config.json asks for {expected_shape}",
                positions=positions,
                actual=actual,
                expected_shape=expected_shape,
            )
        )


def has_two_segments(names: ModelType, files: WeightFiles) -> bool:
    """Whether the encoder tells the tokens of two texts apart by a table of segments."""
    return any(
        f"{table}.weight" in files and files.shape(f"{table}.weight")[0] >= 2 for table in names.embeddings.segments[:1]
    )


def _convert_block(architecture: Architecture, names: ModelType, number: int, files: WeightFiles) -> Weights:
    block, shape = names.block, architecture.block_shape(number)
    parts = {
        "query_key_value": block.query_key_value,
        "attended": (block.attended,),
        "up": block.up,
        "down": (block.down,),
    }
    weights: Weights = {}
    for name, _ in shape.weights(architecture.width):
        part, _, kind = name.rpartition("_")
        if kind in ("scale", "shift"):
            norm = block.attention if part == "attention" else block.feed_forward
            tensors = [_read(files, block.name(number, norm), "weight" if kind == "scale" else "bias")]
        elif kind == "bias":
            tensors = [_read(files, block.name(number, each), "bias") for each in parts[part]]
        else:
            tensors = [_read(files, block.name(number, each), "weight") for each in parts[name]]
        if name.startswith("query_key_value") and names.interleaved:
            tensors[:2] = [_halves_first(tensor, architecture.heads) for tensor in tensors[:2]]
        joined = np.concatenate(tensors, axis=0) if len(tensors) > 1 else tensors[0]
        if name in ("up", "up_bias") and block.activated_last:
            joined = np.roll(joined, len(joined) // 2, axis=0)
        weights[f"block_{number}/{name}"] = joined.T if joined.ndim == 2 else joined
    return weights


def _convert_embeddings(
    architecture: Architecture, names: ModelType, padding: int, files: WeightFiles
) -> Iterator[tuple[str, Array]]:
    tables, shape = names.embeddings, architecture.embedding_shape
    tokens = _read(files, tables.tokens, "weight")
    tokens[[0, padding]] = tokens[[padding, 0]]  # our id of padding is 0
    positions = _read(files, tables.positions, "weight") if architecture.absolute_positions else None
    if positions is not None:
        positions = positions[len(positions) - architecture.positions :]
    for segments in tables.segments:  # tokens are of the first segment, and of the first task
        if f"{segments}.weight" in files:
            added = _read(files, segments, "weight")
            if added.ndim != 2 or not len(added) or added.shape[1] != architecture.inner:
                raise ValueError(tr("{segments}.weight has the shape {shape}", segments=segments, shape=added.shape))
            if positions is None:
                tokens += added[0]
            else:
                positions = positions + added[0]
    yield "embeddings/token", tokens
    if positions is not None:
        yield "embeddings/position", positions
    if architecture.second_segment:
        of_segments = _read(files, tables.segments[0], "weight")
        yield "embeddings/second_segment", of_segments[1] - of_segments[0]
    if shape.epsilon is not None:
        yield from _convert_norm("embeddings", tables.norm, shape.norm_shift, files)
    if shape.inner != shape.width:
        yield "embeddings/kernel", _read(files, tables.projection, "weight").T
        yield "embeddings/bias", _read(files, tables.projection, "bias")
    if (relative := architecture.relative_shape) is not None:
        yield "relative/table", _read(files, tables.relative, "weight")
        if relative.epsilon is not None:
            yield from _convert_norm("relative", tables.relative_norm, True, files)
    if architecture.convolution is not None:
        yield "convolution/kernel", _read(files, tables.convolution, "weight").transpose(2, 1, 0)
        yield "convolution/bias", _read(files, tables.convolution, "bias")
        yield from _convert_norm("convolution", tables.convolution_norm, True, files)
    if architecture.norm_first:
        has_shift = architecture.block_shape(0).has_shift
        yield from _convert_norm("norm", tables.final_norm, has_shift, files)


def _convert_norm(name: str, tensor: str, has_shift: bool, files: WeightFiles) -> Iterator[tuple[str, Array]]:
    yield f"{name}/scale", _read(files, tensor, "weight")
    if has_shift:
        yield f"{name}/shift", _read(files, tensor, "bias")


def _read(files: WeightFiles, tensor: str, kind: str) -> Array:
    return files.read(f"{tensor}.{kind}")


def _halves_first(tensor: Array, heads: int) -> Array:
    """Reorder the rows of each head: values with even numbers first, then odd ones; the scores stay the same."""
    by_pair = tensor.reshape(heads, -1, 2, *tensor.shape[1:])
    return np.asarray(by_pair.swapaxes(1, 2).reshape(tensor.shape))
