"""Pretrained encoders in Hugging Face's layout: config.json, model.safetensors, tokenizer.json -> our layers' weights.

Read are the encoders of BERT, DistilBERT, RoBERTa, XLM-R, CamemBERT, ELECTRA and ALBERT. Nothing in a folder is
executed; weights that come as a pickle are refused.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from tenor.errors import SettingsError

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
class Folder:
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


def read(path: Path) -> Folder:
    """Read all but the weights. Raises SettingsError where the folder is no encoder that is known."""
    config = _json(path, "config.json")
    kind = config.get("model_type")
    if kind not in _KINDS:
        raise SettingsError(f"{path}: the model is of type {kind!r}.", f"Known types: {', '.join(_KINDS)}.")
    try:
        return Folder(path, kind, _architecture(config), int(config.get("pad_token_id") or 0), _tokenizer(path))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path}: config.json does not describe a model of type {kind}: {error!r}.", "Download the model again."
        ) from None


def describe(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain values."""
    return asdict(architecture)


def weights(folder: Folder) -> Weights:
    """The encoder's weights by the paths of our layers. Raises SettingsError where one is missing or damaged."""
    try:
        return dict(_convert(folder, _Tensors(folder.path)))
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"{folder.path}: the weights of the {folder.kind} encoder cannot be read: {error}.",
            "Download the model again.",
        ) from None


def _architecture(config: dict[str, Any]) -> Architecture:
    distil = config["model_type"] == "distilbert"
    width = int(config["dim" if distil else "hidden_size"])
    activation = config.get("activation" if distil else "hidden_act", "gelu")
    if activation not in _ACTIVATIONS:
        raise ValueError(f"the activation {activation!r} is not known")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError("its positions are not absolute")
    positions = int(config["max_position_embeddings"])
    if config["model_type"] in _ROBERTA:
        positions -= int(config["pad_token_id"]) + 1
    if int(config.get("num_hidden_groups", 1)) != 1 or int(config.get("inner_group_num", 1)) != 1:
        raise ValueError("its blocks are of several kinds")
    return Architecture(
        tokens=int(config["vocab_size"]),
        positions=positions,
        width=width,
        inner=int(config.get("embedding_size") or width),
        blocks=int(config["n_layers" if distil else "num_hidden_layers"]),
        shared=config["model_type"] == "albert",
        heads=int(config["n_heads" if distil else "num_attention_heads"]),
        hidden=int(config["hidden_dim" if distil else "intermediate_size"]),
        activation=_ACTIVATIONS[activation],
        epsilon=1e-12 if distil else float(config.get("layer_norm_eps", 1e-12)),
    )


def _tokenizer(path: Path) -> dict[str, Any]:
    if (path / "tokenizer.json").is_file():
        return _json(path, "tokenizer.json")
    if not (path / "vocab.txt").is_file():
        raise SettingsError(f"{path}: there is no tokenizer.json.", "Download it with the model.")
    from tokenizers import BertWordPieceTokenizer

    options = _json(path, "tokenizer_config.json") if (path / "tokenizer_config.json").is_file() else {}
    tokenizer = BertWordPieceTokenizer(str(path / "vocab.txt"), lowercase=bool(options.get("do_lower_case", True)))
    specification: dict[str, Any] = json.loads(tokenizer.to_str())
    return specification


def _json(path: Path, name: str) -> dict[str, Any]:
    try:
        if (path / name).stat().st_size > _LARGEST_JSON:
            raise ValueError("it is too large")
        value = json.loads((path / name).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
    except OSError as error:
        raise SettingsError(
            f"{path / name}: this cannot be read: {error.strerror or error}.",
            "Give the folder of a model in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path / name}: this is damaged: {error}.", "Download the model again.") from None
    return value


class _Tensors:
    """Tensors of a folder by name, whatever prefix they were saved under."""

    def __init__(self, path: Path) -> None:
        whole, index = path / "model.safetensors", path / "model.safetensors.index.json"
        if whole.is_file():
            files = [whole]
        elif index.is_file():
            files = [path / Path(name).name for name in sorted(set(_json(path, index.name)["weight_map"].values()))]
        else:
            raise SettingsError(
                f"{path}: there is no model.safetensors.",
                "Weights in the form of a pickle (pytorch_model.bin) can run code, so they are not read; "
                "download the safetensors file.",
            )
        self.places: dict[str, Path] = {}
        for file in files:
            with safe_open(file, "numpy") as opened:
                self.places |= dict.fromkeys(opened.keys(), file)

    def get(self, name: str) -> npt.NDArray[np.float32]:
        """The tensor whose name ends so. Raises KeyError where there is none."""
        if name not in self:
            # Weights that were once converted from TensorFlow keep its names.
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        key = min((key for key in self.places if key == name or key.endswith("." + name)), key=len, default=name)
        with safe_open(self.places[key], "numpy") as opened:
            return np.array(opened.get_tensor(key), np.float32)

    def __contains__(self, name: str) -> bool:
        return any(key == name or key.endswith("." + name) for key in self.places)


def _convert(folder: Folder, tensors: _Tensors) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    shape = folder.architecture
    token = tensors.get("embeddings.word_embeddings.weight")
    token[[0, folder.padding]] = token[[folder.padding, 0]]  # padding is 0 here
    yield "embeddings/token", token
    position = tensors.get("embeddings.position_embeddings.weight")
    position = position[len(position) - shape.positions :]
    if "embeddings.token_type_embeddings.weight" in tensors:
        position = position + tensors.get("embeddings.token_type_embeddings.weight")[0]
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
