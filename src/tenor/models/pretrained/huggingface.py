"""Pretrained encoders in Hugging Face's layout: config.json, model.safetensors, tokenizer.json -> our layers' weights.

Read are the encoders of BERT, DistilBERT, RoBERTa, XLM-R, CamemBERT, ELECTRA and ALBERT. Nothing in a folder is
executed; weights that come as a pickle are refused. Files may be links, of which a hub's cache is made, but to regular
files of bounded sizes alone.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from tenor._core import records, regular_files
from tenor._core.records import Record, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError

R = TypeVar("R")
Weights = dict[str, npt.NDArray[np.float32]]

_ROBERTA = ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")
_KINDS = ("bert", "distilbert", *_ROBERTA[:3], "electra", "albert")
_ACTIVATIONS = {
    "gelu": "gelu",
    "relu": "relu",
    "tanh": "tanh",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
_LARGEST_JSON = 64 << 20
_LARGEST_WEIGHTS = 64 << 30
_MOST_FILES = 1_000
_MOST_PARTS = 30  # of the name of a tensor
_NUMBERS = {"F32": np.float32, "F16": np.float16, "F64": np.float64}
# Of an architecture, at most; the largest known ones have a third of each, or less.
_MOST_TOKENS, _MOST_POSITIONS, _MOST_BLOCKS, _WIDEST = 4_000_000, 1 << 20, 512, 1 << 16


@dataclass(frozen=True)
class Architecture:
    """The shape of an encoder.

    Attributes:
        tokens: Ids there are.
        positions: Longest row, in tokens.
        width: Width of the values.
        inner: Width of the embedding tables.
        blocks: How often a block is applied.
        shared: Whether all blocks are one (ALBERT).
        heads: Heads of the attention.
        hidden: Width of the feed-forward layers.
        activation: Of the feed-forward layers.
        epsilon: Of the normalisations.
    """

    tokens: int
    positions: int
    width: int
    inner: int
    blocks: int
    shared: bool
    heads: int
    hidden: int
    activation: str
    epsilon: float


@dataclass(frozen=True)
class EncoderFolder:
    """A folder in Hugging Face's layout.

    Attributes:
        path: The folder.
        kind: `model_type` of config.json.
        architecture: The shape of the encoder.
        padding: Id of padding.
        tokenizer: What tokenizer.json holds.
    """

    path: Path
    kind: str
    architecture: Architecture
    padding: int
    tokenizer: dict[str, Any]


def read_folder(path: Path) -> EncoderFolder:
    """Read all but the weights. Raises SettingsError where the folder is no encoder that is known."""
    config = _json(path, "config.json")
    kind = config.values.get("model_type")
    if kind not in _KINDS:
        raise SettingsError(f"{path}: the model is of type {kind!r:.60}.", f"Known types: {', '.join(_KINDS)}.")
    try:
        architecture = _architecture(config)
        padding = config.whole("pad_token_id", 0, architecture.tokens - 1) if config.values.get("pad_token_id") else 0
    except RecordError as error:
        raise SettingsError(
            f"{path}: config.json does not describe a model of type {kind}: {error}.", "Download the model again."
        ) from None
    return EncoderFolder(path, kind, architecture, padding, _tokenizer(path))


def describe(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain values."""
    return asdict(architecture)


def restore(record: Record) -> Architecture:
    """The architecture that `describe` tells of. Raises RecordError where it tells of none."""
    found = Architecture(
        tokens=record.whole("tokens", 1, _MOST_TOKENS),
        positions=record.whole("positions", 1, _MOST_POSITIONS),
        width=record.whole("width", 1, _WIDEST),
        inner=record.whole("inner", 1, _WIDEST),
        blocks=record.whole("blocks", 1, _MOST_BLOCKS),
        shared=record.flag("shared"),
        heads=record.whole("heads", 1, _WIDEST),
        hidden=record.whole("hidden", 1, 8 * _WIDEST),
        activation=record.choice("activation", sorted(set(_ACTIVATIONS.values()))),
        epsilon=record.number("epsilon", 0, 1),
    )
    if found.width % found.heads:
        raise record.error("heads", f"they are {found.heads:,}, which do not share the width of {found.width:,}")
    return found


def read_weights(folder: EncoderFolder) -> Weights:
    """The encoder's weights by the paths of our layers. Raises SettingsError where one is missing or damaged."""
    return _told(folder, lambda: dict(_convert(folder, _Tensors(folder.path))))


def check_weights(folder: EncoderFolder) -> None:
    """Compare the sizes of what is largest with the architecture, reading no weights, before a network is built.

    Raises:
        SettingsError: They are others, or a file cannot be read.
    """
    _told(folder, lambda: _check_sizes(folder, _Tensors(folder.path)))


def _told(folder: EncoderFolder, read: Callable[[], R]) -> R:
    """What reading weights gives; what is wrong with them is a SettingsError."""
    try:
        return read()
    except KeyError as error:
        problem = f"there is no {error}"
    except MemoryError:
        problem = "they take more memory than there is"
    except OSError as error:
        problem = error.strerror or str(error)
    except (SafetensorError, ValueError, IrregularFileError) as error:
        problem = ascii(str(error).partition("\n")[0])[1:-1][:300]
    raise SettingsError(
        f"{folder.path}: the weights of the {folder.kind} encoder cannot be read: {problem}.",
        "Download the model again.",
    )


def _architecture(config: Record) -> Architecture:
    values, distil = config.values, config.values["model_type"] == "distilbert"
    named = {
        "width": "dim" if distil else "hidden_size",
        "blocks": "n_layers" if distil else "num_hidden_layers",
        "heads": "n_heads" if distil else "num_attention_heads",
        "hidden": "hidden_dim" if distil else "intermediate_size",
        "tokens": "vocab_size",
        "positions": "max_position_embeddings",
    }
    found = {ours: config.whole(key, 1, 1 << 31) for ours, key in named.items()}
    activation = values.get("activation" if distil else "hidden_act", "gelu")
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise config.error("activation" if distil else "hidden_act", f"the activation {activation!r:.60} is not known")
    if values.get("position_embedding_type", "absolute") != "absolute":
        raise config.error("position_embedding_type", "its positions are not absolute")
    if values["model_type"] in _ROBERTA:
        found["positions"] -= config.whole("pad_token_id", 0, found["positions"] - 2) + 1
    for key in ("num_hidden_groups", "inner_group_num"):
        if values.get(key, 1) != 1:
            raise config.error(key, "its blocks are of several kinds")
    return restore(
        Record(
            {
                **found,
                "inner": config.whole("embedding_size", 1, 1 << 31) if values.get("embedding_size") else found["width"],
                "shared": values["model_type"] == "albert",
                "activation": _ACTIVATIONS[activation],
                "epsilon": 1e-12 if distil or "layer_norm_eps" not in values else config.number("layer_norm_eps"),
            },
            config.file,
        )
    )


def _tokenizer(path: Path) -> dict[str, Any]:
    if (path / "tokenizer.json").exists():
        return _json(path, "tokenizer.json").values
    if not (path / "vocab.txt").exists():
        raise SettingsError(f"{path}: there is no tokenizer.json.", "Download it with the model.")
    from tokenizers import BertWordPieceTokenizer

    options = _json(path, "tokenizer_config.json").values if (path / "tokenizer_config.json").exists() else {}
    try:
        lines = _read(path / "vocab.txt").decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise _damaged(path / "vocab.txt", f"it is not UTF-8 (byte {error.start:,})") from None
    vocabulary = {line.rstrip(): number for number, line in enumerate(lines)}
    if missing := [token for token in ("[UNK]", "[SEP]", "[CLS]") if token not in vocabulary]:
        raise _damaged(path / "vocab.txt", f"there is no {missing[0]}")
    tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=bool(options.get("do_lower_case", True)))
    specification: dict[str, Any] = json.loads(tokenizer.to_str())
    return specification


def _json(path: Path, name: str) -> Record:
    try:
        return records.parse(_read(path / name), name)
    except RecordError as error:
        raise _damaged(path / name, str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return regular_files.read(path, _LARGEST_JSON, links=True)
    except IrregularFileError as error:
        raise _damaged(path, f"it {error}") from None
    except OSError as error:
        raise SettingsError(
            f"{path}: this cannot be read: {error.strerror or error}.",
            "Give the folder of a model in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.",
        ) from None


def _damaged(path: Path, problem: str) -> SettingsError:
    return SettingsError(f"{path}: this is damaged: {problem}.", "Download the model again.")


class _Tensors:
    """Tensors of a folder by name, whatever prefix they were saved under."""

    def __init__(self, path: Path) -> None:
        whole, index = path / "model.safetensors", path / "model.safetensors.index.json"
        if whole.exists():
            files = [whole]
        elif index.exists():
            places = _json(path, index.name).record("weight_map")
            names = sorted({Path(places.text(key, 1_000)).name for key in places.values})
            if len(names) > _MOST_FILES:
                raise places.error("", f"it names {len(names):,} files, and {_MOST_FILES:,} are allowed")
            files = [path / name for name in names]
        else:
            raise SettingsError(
                f"{path}: there is no model.safetensors.",
                "Weights in the form of a pickle (pytorch_model.bin) can run code, so they are not read; "
                "download the safetensors file.",
            )
        self.places: dict[str, Path] = {}
        for file in files:
            try:
                regular_files.check(file, _LARGEST_WEIGHTS)
            except IrregularFileError as error:
                raise IrregularFileError(f"{file.name} {error}") from None
            with safe_open(file, "numpy") as opened:
                self.places |= dict.fromkeys(opened.keys(), file)
        self._by_end: dict[str, str] = {}
        for key in sorted(self.places, key=len, reverse=True):  # of several with the same end, the shortest
            parts = key.split(".")
            if len(parts) > _MOST_PARTS:
                raise ValueError(f"a tensor has a name of {len(parts):,} parts")
            self._by_end |= {".".join(parts[at:]): key for at in range(len(parts))}

    def get(self, name: str) -> npt.NDArray[np.float32]:
        """The tensor whose name ends so. Raises KeyError where there is none."""
        key = self._key(name)
        with safe_open(self.places[key], "numpy") as opened:
            kind = opened.get_slice(key).get_dtype()
            if kind not in _NUMBERS:
                raise ValueError(f"{key} is of the type {kind}, not one of {', '.join(_NUMBERS)}")
            with np.errstate(over="ignore"):
                array = np.array(opened.get_tensor(key), np.float32)
        if not np.isfinite(array).all():
            raise ValueError(f"{key} has values that are not finite")
        return array

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, which is not read. Raises KeyError where there is none."""
        key = self._key(name)
        with safe_open(self.places[key], "numpy") as opened:
            return tuple(opened.get_slice(key).get_shape())

    def _key(self, name: str) -> str:
        if name not in self:
            # Weights that were once converted from TensorFlow keep its names.
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        if name not in self:
            raise KeyError(name)
        return self._by_end[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_end


def _check_sizes(folder: EncoderFolder, tensors: _Tensors) -> None:
    """What makes most of a network's size: its tables, and the feed-forward layers and attention of each block."""
    shape = folder.architecture
    names = _NAMES.get(folder.kind, _BERT)
    expected: dict[str, tuple[int, ...]] = {"embeddings.word_embeddings.weight": (shape.tokens, shape.inner)}
    for number in range(1 if shape.shared else shape.blocks):
        stem = f"{names['stem'].format(number)}."
        expected[f"{stem}{names['query']}.weight"] = (shape.width, shape.width)
        expected[f"{stem}{names['up']}.weight"] = (shape.hidden, shape.width)
    for name, wanted in expected.items():
        if (found := tensors.shape(name)) != wanted:
            raise ValueError(f"{name} has the shape {found}, and config.json asks for {wanted}")
    name = "embeddings.position_embeddings.weight"
    if len(found := tensors.shape(name)) != 2 or found[0] < shape.positions or found[1] != shape.inner:
        raise ValueError(f"{name} has the shape {found}, and config.json asks for {(shape.positions, shape.inner)}")


def _convert(folder: EncoderFolder, tensors: _Tensors) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    _check_sizes(folder, tensors)
    shape = folder.architecture
    token = tensors.get("embeddings.word_embeddings.weight")
    token[[0, folder.padding]] = token[[folder.padding, 0]]  # padding is 0 here
    yield "embeddings/token", token
    position = tensors.get("embeddings.position_embeddings.weight")
    position = position[len(position) - shape.positions :]
    if "embeddings.token_type_embeddings.weight" in tensors:
        kinds = tensors.get("embeddings.token_type_embeddings.weight")
        if kinds.ndim != 2 or not len(kinds) or kinds.shape[1] != shape.inner:
            raise ValueError(f"embeddings.token_type_embeddings.weight has the shape {kinds.shape}")
        position = position + kinds[0]
    yield "embeddings/position", position
    yield "embeddings/scale", tensors.get("embeddings.LayerNorm.weight")
    yield "embeddings/shift", tensors.get("embeddings.LayerNorm.bias")
    if shape.inner != shape.width:
        name = "encoder.embedding_hidden_mapping_in" if folder.kind == "albert" else "embeddings_project"
        yield "embeddings/kernel", tensors.get(f"{name}.weight").T
        yield "embeddings/bias", tensors.get(f"{name}.bias")
    for number in range(1 if shape.shared else shape.blocks):
        names = _NAMES.get(folder.kind, _BERT)
        stem = f"{names['stem'].format(number)}."
        parts = [stem + names[part] for part in ("query", "key", "value")]
        query_key_value = [tensors.get(f"{part}.weight").T for part in parts]
        yield f"block_{number}/query_key_value", np.concatenate(query_key_value, axis=1)
        yield f"block_{number}/query_key_value_bias", np.concatenate([tensors.get(f"{part}.bias") for part in parts])
        for ours in ("attended", "up", "down"):
            yield f"block_{number}/{ours}", tensors.get(f"{stem}{names[ours]}.weight").T
            yield f"block_{number}/{ours}_bias", tensors.get(f"{stem}{names[ours]}.bias")
        for ours in ("attention", "feed_forward"):
            yield f"block_{number}/{ours}_scale", tensors.get(f"{stem}{names[ours]}.weight")
            yield f"block_{number}/{ours}_shift", tensors.get(f"{stem}{names[ours]}.bias")


_BERT = {
    "stem": "encoder.layer.{}",
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attention": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "feed_forward": "output.LayerNorm",
}
_NAMES = {
    "distilbert": {
        "stem": "transformer.layer.{}",
        "query": "attention.q_lin",
        "key": "attention.k_lin",
        "value": "attention.v_lin",
        "attended": "attention.out_lin",
        "attention": "sa_layer_norm",
        "up": "ffn.lin1",
        "down": "ffn.lin2",
        "feed_forward": "output_layer_norm",
    },
    "albert": {
        "stem": "encoder.albert_layer_groups.0.albert_layers.{}",
        "query": "attention.query",
        "key": "attention.key",
        "value": "attention.value",
        "attended": "attention.dense",
        "attention": "attention.LayerNorm",
        "up": "ffn",
        "down": "ffn_output",
        "feed_forward": "full_layer_layer_norm",
    },
}
