"""Sentence encoders of Sentence Transformers: the layers after the Transformer, prompts, and the longest text.

modules.json lists the steps from tokens to the vector of a text: a Transformer, pooling, dense layers, and the scaling
to length 1. Reimers and Gurevych (2019), "Sentence-BERT".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenor._core.language import join_names, mark, tr
from tenor._core.printable import printable
from tenor._core.records import Record, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import SettingsError
from tenor.models.pretrained import folder_files, tokenizer_files
from tenor.models.pretrained.folder_files import damaged
from tenor.models.pretrained.sentence_layers import WIDEST, DenseLayer, Pooling, SentenceLayers, layer_name
from tenor.models.pretrained.weight_files import WeightFiles
from tenor.text.encoded import MAX_PROMPT

MODULES, LENGTH, PROMPTS = "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"
FILES = (
    MODULES,
    LENGTH,
    PROMPTS,
    "[0-9]_*/config.json",
    "[0-9]_Dense/model.safetensors",
    "[0-9]_Dense/pytorch_model.bin",
)
"""The files that are read, as patterns."""

_POOLING: dict[str, Pooling] = {"mean": "mean", "cls": "first", "lasttoken": "last", "max": "max"}
_OLD_KEYS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "Sigmoid": "sigmoid", "Identity": "linear"}
_FOLDER = re.compile(r"[A-Za-z0-9_][\w.-]{0,100}", re.ASCII)
_MOST_MODULES, _MOST_PROMPTS = 10, 200
_LONGEST, _NO_LENGTH = 1 << 20, 1 << 120  # tokens; some tokenizers have 1e30 for no limit
_ONLY_TRANSFORMER = mark("Set `pooling`, such as `pooling=mean`, to use its Transformer alone.")


@dataclass(frozen=True)
class SentenceEncoder:
    """What a folder says about itself as a sentence encoder.

    Attributes:
        pooling: How the values of all tokens become one vector.
        layers: What follows the pooling.
        folders: Where the weights of the dense layers are.
    """

    pooling: Pooling
    layers: SentenceLayers
    folders: tuple[Path, ...]

    def read_weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Path of a variable of a dense layer -> its value. Raises SettingsError where one does not fit."""
        weights = {}
        for number, (folder, layer) in enumerate(zip(self.folders, self.layers.dense, strict=True)):
            try:
                files = WeightFiles(folder, None)
                kernel = files.read("linear.weight").T
                bias = files.read("linear.bias") if "linear.bias" in files else np.zeros(layer.outputs, np.float32)
            except KeyError as error:
                raise damaged(folder, tr("there is no {error}", error=error)) from None
            except (ValueError, IrregularFileError) as error:
                raise damaged(folder, printable(str(error).partition("\n")[0])[:300]) from None
            if kernel.shape != (layer.inputs, layer.outputs) or bias.shape != (layer.outputs,):
                raise damaged(
                    folder,
                    tr("its weights have the shapes {kernel} and {bias}", kernel=kernel.shape, bias=bias.shape),
                )
            weights[f"{layer_name(number)}/kernel"] = np.ascontiguousarray(kernel)
            weights[f"{layer_name(number)}/bias"] = bias
        return weights


def read(path: Path, width: int) -> SentenceEncoder | None:
    """Read modules.json of a folder, and what it names; None if there is no such file.

    Args:
        path: The folder of an encoder.
        width: Width of the Transformer's values.

    Raises:
        SettingsError: A file is damaged, or a module is not known.
    """
    if not (path / MODULES).exists():
        return None
    try:
        return _read_modules(path, width)
    except RecordError as error:
        raise damaged(path / error.file, error.detail) from None


def max_length(path: Path) -> int | None:
    """The number of tokens that a sentence encoder was trained for; None: the folder does not say."""
    if not (path / MODULES).exists():
        return None
    for file, key in ((LENGTH, "max_seq_length"), (tokenizer_files.CONFIG, "model_max_length")):
        values = folder_files.read_options(path, file)
        if values.get(key) is not None:
            try:
                return min(Record(values, file).integer(key, 1, _NO_LENGTH), _LONGEST)
            except RecordError as error:
                raise damaged(path / file, error.detail) from None
    return None


def prompts(path: Path) -> tuple[dict[str, str], str | None]:
    """The prompts of a folder by their names, and the name of the default one; None: there is none."""
    values = folder_files.read_options(path, PROMPTS)
    if not values.get("prompts"):
        return {}, None
    record = Record(values, PROMPTS)
    try:
        texts = record.record("prompts")
        if len(texts.values) > _MOST_PROMPTS:
            raise record.error("prompts", tr("there are more than {most_prompts}", most_prompts=_MOST_PROMPTS))
        by_name = {name: texts.string(name, MAX_PROMPT) for name, text in texts.values.items() if text is not None}
        default = None
        if values.get("default_prompt_name") is not None:
            default = record.choice("default_prompt_name", by_name)
    except RecordError as error:
        raise damaged(path / PROMPTS, error.detail) from None
    return by_name, default


def choose_prompt(by_name: dict[str, str], default: str | None) -> str:
    """The prompt for texts that are classified: the default one, else that for classification, else that for queries if
    the encoder has read documents with a prompt too, so that it has seen no text without one. Empty: no prompt.
    """
    if default is not None:
        return by_name[default]
    lowered = {name.lower(): text for name, text in by_name.items()}
    if "classification" in lowered:
        return lowered["classification"]
    has_document = any(lowered.get(name) for name in ("document", "passage", "corpus"))
    return lowered.get("query", "") if has_document else ""


def _refuse_lower_case(path: Path) -> None:
    """Old sentence encoders could make texts lower case before a tokenizer that does not."""
    if folder_files.read_options(path, LENGTH).get("do_lower_case") is True:
        raise SettingsError(
            tr(
                "{path}: it makes texts lower case (do_lower_case), which Tenor leaves to the tokenizer.",
                path=path / LENGTH,
            ),
            tr("If the tokenizer does so too, set it to false there."),
        )


def _read_modules(path: Path, width: int) -> SentenceEncoder:
    _refuse_lower_case(path)
    modules = list(_list_modules(path))
    if not modules or modules[0][0] != "Transformer":
        raise SettingsError(
            tr("{path}: its first module is not a Transformer.", path=path / MODULES), tr(_ONLY_TRANSFORMER)
        )
    if modules[0][1] != path:
        raise SettingsError(
            tr("{path}: its Transformer is in the folder {name!r}.", path=path / MODULES, name=modules[0][1].name),
            tr("Move the files of that folder up to modules.json, and set its path there to an empty string."),
        )
    pooling: Pooling | None = None
    layers: list[DenseLayer] = []
    folders: list[Path] = []
    normalised = False
    for name, folder in modules[1:]:
        if name == "Pooling" and pooling is None:
            pooling = _read_pooling(folder, width)
        elif name == "Dense" and pooling is not None and not normalised:
            layers.append(_read_dense(folder, layers[-1].outputs if layers else width))
            folders.append(folder)
        elif name == "Normalize" and pooling is not None:
            normalised = True
        elif name != "Dropout":  # of training alone
            raise SettingsError(
                tr(
                    "{path}: Tenor does not know the module {name!r:.60} at its place; it knows a "
                    "Transformer, Pooling, Dense and Normalize, in this order.",
                    path=path / MODULES,
                    name=name,
                ),
                tr(_ONLY_TRANSFORMER),
            )
    if pooling is None:
        raise SettingsError(tr("{path}: it has no pooling.", path=path / MODULES), tr(_ONLY_TRANSFORMER))
    return SentenceEncoder(pooling, SentenceLayers(tuple(layers), normalised), tuple(folders))


def _list_modules(path: Path) -> Iterator[tuple[str, Path]]:
    """The class of each module, without its package, and its folder."""
    record = folder_files.read_json_list(path, MODULES)
    for module in record.records("modules", _MOST_MODULES):
        folder = module.string("path", 200)
        if folder and not _FOLDER.fullmatch(folder):
            raise module.error("path", tr("it is not the name of a folder"))
        yield module.string("type", 200).rpartition(".")[2], path / folder if folder else path


def _read_pooling(folder: Path, width: int) -> Pooling:
    record = folder_files.read_json(folder, "config.json")
    values = record.values
    modes = values.get("pooling_mode")
    if modes is None:
        modes = [mode for key, mode in _OLD_KEYS.items() if values.get(key) is True]
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or len(modes) != 1 or modes[0] not in _POOLING:
        raise SettingsError(
            tr(
                "{folder}: Tenor does not know the pooling {modes!r:.100}; it knows one of {pooling}.",
                folder=folder,
                modes=modes,
                pooling=join_names(_POOLING),
            ),
            tr(_ONLY_TRANSFORMER),
        )
    if values.get("include_prompt") is False:
        raise SettingsError(
            tr("{folder}: its pooling leaves out the prompt, which Tenor does not do.", folder=folder),
            tr(_ONLY_TRANSFORMER),
        )
    key = "embedding_dimension" if "embedding_dimension" in values else "word_embedding_dimension"
    if record.integer(key, 1, WIDEST) != width:
        raise damaged(
            folder / "config.json",
            tr(
                "{key} is {values:,}, and the Transformer's width is {width:,}",
                key=key,
                values=values[key],
                width=width,
            ),
        )
    return _POOLING[modes[0]]


def _read_dense(folder: Path, width: int) -> DenseLayer:
    record = folder_files.read_json(folder, "config.json")
    activation = record.string("activation_function", 200).rpartition(".")[2]
    others = ("module_input_name", "module_output_name")
    is_other = any(record.values.get(key) not in (None, "sentence_embedding") for key in others)
    if activation not in _ACTIVATIONS or record.values.get("use_residual") or is_other:
        problem = (
            tr("the activation {activation!r:.60}", activation=activation)
            if activation not in _ACTIVATIONS
            else tr("a dense layer of this kind")
        )
        raise SettingsError(
            tr("{folder}: Tenor does not know {problem}.", folder=folder, problem=problem), tr(_ONLY_TRANSFORMER)
        )
    layer = DenseLayer(
        record.integer("in_features", 1, WIDEST), record.integer("out_features", 1, WIDEST), _ACTIVATIONS[activation]
    )
    if layer.inputs != width:
        raise damaged(
            folder / "config.json", tr("in_features is {inputs:,}, not {width:,}", inputs=layer.inputs, width=width)
        )
    return layer
