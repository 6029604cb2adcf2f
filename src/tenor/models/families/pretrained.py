"""`pretrained`: an encoder that was trained on much text elsewhere, and a new head: transfer learning.

BERT: Devlin et al. (2019); MiniLM: Wang et al. (2020). Layer-wise learning rates: Howard and Ruder (2018), "Universal
Language Model Fine-tuning for Text Classification"; LoRA: Hu et al. (2022). Which part of a long text to keep: Sun et
al. (2019), "How to Fine-Tune BERT for Text Classification?".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from tenor._core.language import join_names, tr
from tenor._core.records import JsonObject, Record
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.errors import BundleError, SettingsError
from tenor.models.base import Arrays
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig, Optimizer, Precision
from tenor.models.neural.keras_types import KerasModel
from tenor.models.neural.shapes import Shapes, dense
from tenor.models.pretrained.sentence_layers import Pooling, SentenceLayers, layer_name
from tenor.models.tabular.row_encoder import RowEncoder
from tenor.tasks import Task
from tenor.text.encoded import MAX_PROMPT, TextEncoder, Truncation

if TYPE_CHECKING:
    from tenor.models.pretrained.huggingface import EncoderFolder

DEFAULT_LENGTH = 128
"""Tokens of a row, if the encoder does not say what it was trained for."""
_LONGEST_DEFAULT = 512  # longer rows cost much time, so the user chooses them

# On SST-2 with 16 and 32 phrases a class the fixed encoder was better by 1 and 2 points, with 64 worse by 2.
_MIN_TEXTS_TO_TUNE = 100
_MIN_TEXTS_FOR_LAST_BLOCK = 2_000  # with this many, the last block alone becomes the best


@dataclass(frozen=True)
class Config(NetworkConfig):
    """Settings of `pretrained`."""

    min_epochs: ClassVar[int] = 1
    not_compiled: ClassVar[tuple[str, ...]] = (*NetworkConfig.not_compiled, "unknown_letters")

    optimizer_defaults: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "sgd": {"learning_rate": 0.1},
        "momentum": {"learning_rate": 0.01},
    }

    model: str = setting(
        "minilm", "the encoder: a name from `tenor models`, a folder, `hf://OWNER/NAME` or `modelscope://OWNER/NAME`"
    )
    tune: Literal["all", "top", "lora", "frozen"] | None = setting(
        None,
        "what is trained besides the head: `all` blocks, the `top` ones, `lora`, or `frozen` (nothing); none: "
        "`frozen` with fewer than 100 texts, else `all`",
    )
    max_length: int | None = setting(  # type: ignore[assignment]  # `encode` fills it in
        None,
        "longer texts are truncated to this many tokens, including the special ones; none: what a sentence encoder "
        "was trained for, at most 512, else 128",
    )
    prompt: str | None = setting(
        None,
        "text before each text, such as `query: `, or the name of one of the encoder's prompts; none: the one that the "
        "encoder names for it; empty: no prompt",
    )
    truncation: Truncation = setting("both")
    predict_truncation: Truncation | None = setting(None, "truncation in prediction; none: all of the text, in windows")
    optimizer: Optimizer = setting("adamw")
    learning_rate: float = setting(2e-4)
    layer_decay: float = setting(0.9, "learning rate of each block, relative to the block above it")
    warmup: float = setting(0.1)
    validation: float = setting(0.0)
    calibration: float = setting(0.04)
    batch_tokens: int = setting(4_096)
    blocks: int = setting(2, 'with `tune = "top"`: number of trained blocks, from the top')
    freeze_layers: int = setting(
        0, "number of blocks, from the bottom, that keep their weights; the embeddings then keep theirs too"
    )
    gradient_checkpointing: bool = setting(
        False,
        "keep the input of each block alone in memory, and compute the rest of the block again for the gradient: the "
        "same gradient with less memory, in more time",
    )
    rank: int = setting(8, 'with `tune = "lora"`: rank of the additions')
    pooling: Pooling | None = setting(
        None,
        "how the values of all tokens become one vector: their `mean` or `max`, or the `first` or `last` one; none: "
        "as the sentence encoder does it, with its dense layers and its scaling to length 1, else `mean`",
    )
    pooled_blocks: int | None = setting(
        None,
        "number of last blocks whose vectors are averaged; none: 1 for a sentence encoder or if at least 2,000 texts "
        "tune the encoder, else half of the blocks",
    )
    dropout: float = setting(0.1, "dropout of the features in training")
    precision: Precision = setting(
        "auto",
        "precision of training: `auto`, `float32` or `bfloat16`; auto uses bfloat16 if the processor supports it",
    )
    allow_unknown_letters: bool = setting(
        False, "train even if the encoder's tokenizer does not know many letters of the texts"
    )
    architecture: JsonObject | None = setting(None, "the encoder's shape; read from the model, not set")
    unknown_letters: float | None = setting(
        None, "share of the letters of the training texts that the tokenizer does not know; measured, not set"
    )
    sentence: JsonObject | None = setting(
        None, "the layers of a sentence encoder after its pooling; read from the model, not set"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.layer_decay <= 1, "layer_decay", tr("must be above 0 and at most 1"))
        require(self.blocks >= 1, "blocks", tr("must be 1 or more"))
        require(self.freeze_layers >= 0, "freeze_layers", tr("must be 0 or more"))
        require(self.rank >= 1, "rank", tr("must be 1 or more"))
        require(
            self.pooled_blocks is None or self.pooled_blocks >= 1, "pooled_blocks", tr("must be 1 or more, or none")
        )
        require(0 <= self.dropout < 1, "dropout", tr("must be at least 0 and below 1"))
        require(self.max_length is None or self.max_length >= 4, "max_length", tr("must be 4 or more, or none"))
        require(
            len(self.prompt or "") <= MAX_PROMPT,
            "prompt",
            tr("must have at most {max_prompt:,} characters", max_prompt=MAX_PROMPT),
        )

    @property
    def row_length(self) -> int:
        """`max_length`, or its default where it was not filled in."""
        return self.max_length or DEFAULT_LENGTH

    @property
    def pool_mode(self) -> Pooling:
        """`pooling`, or its default where it was not filled in."""
        return self.pooling or "mean"

    @property
    def sentence_layers(self) -> SentenceLayers:
        """The layers of a sentence encoder after its pooling. Raises RecordError where they are damaged."""
        return SentenceLayers.from_settings(self.sentence, int((self.architecture or {})["width"]))

    @property
    def features_width(self) -> int:
        """The width of the inputs of the head."""
        return self.sentence_layers.width(int((self.architecture or {})["width"]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was filled in from a sentence encoder."""
        if self.architecture is None:
            return ()
        layers, notes = self.sentence_layers, []
        if self.sentence is not None:
            steps = [
                tr("{pool_mode} pooling", pool_mode=self.pool_mode),
                *(tr("{outputs} units", outputs=layer.outputs) for layer in layers.dense),
            ]
            steps += [tr("length 1")] * layers.normalised
            notes.append(
                tr(
                    "sentence encoder: {steps}; {row_length} tokens at most.",
                    steps=join_names(steps),
                    row_length=self.row_length,
                )
            )
        if self.prompt:
            notes.append(tr("each text starts with the prompt {prompt!r:.100} (setting `prompt`).", prompt=self.prompt))
        return tuple(notes)

    def for_texts(self, n_texts: int) -> Self:
        """The settings with those filled in that depend on the number of training texts."""
        few = n_texts < _MIN_TEXTS_TO_TUNE
        tune = self.tune or ("frozen" if few else "all")
        # Few texts are quick in any precision, and then predictions, in float32, need no second network.
        use_float32 = few and tune == "frozen" and self.precision == "auto"
        pooled = self.pooled_blocks
        if pooled is None and tune != "frozen" and n_texts >= _MIN_TEXTS_FOR_LAST_BLOCK:
            pooled = 1
        elif pooled is None and self.architecture is not None:  # training starts from an encoder of Tenor
            pooled = _upper_half(self.architecture["blocks"])
        precision: Precision = "float32" if use_float32 else self.precision
        truncation = self.predict_truncation or "windows"
        filled = replace(self, tune=tune, precision=precision, pooled_blocks=pooled, predict_truncation=truncation)
        return filled if self.architecture is None else replace(filled, max_length=self.row_length)

    @classmethod
    def space(cls, task: Task) -> Space:
        """The settings that a search may change."""
        return {
            **super().space(task),
            "layer_decay": Range(0.7, 1.0),
            "pooling": Choice(("mean", "first")),
            "dropout": Range(0.0, 0.3),
        }


def encode(config: Config, texts: Sequence[str]) -> tuple[Config, TextEncoder]:
    """The settings with the encoder's shape, and its tokenizer.

    Args:
        config: The settings.
        texts: Training texts, which the encoder must be able to read.

    Raises:
        SettingsError: The settings do not fit the encoder, it cannot read the texts, or its files are damaged.
    """
    from tenor.models.pretrained import choosing, hub, huggingface
    from tenor.text.subwords import SubwordTokenizer

    folder = huggingface.read_folder(hub.locate(config.model))
    shape = folder.architecture
    config = _fill_in_sentence_encoder(config, folder)
    if config.row_length > shape.positions:
        raise SettingsError(
            tr(
                "setting 'max_length' is {row_length}, and {model} takes {positions} at most.",
                row_length=config.row_length,
                model=config.model,
                positions=shape.positions,
            ),
            tr("Choose a smaller one, and `truncation=windows` to read all of longer texts."),
        )
    chosen_blocks = {"blocks": config.blocks if config.tune == "top" else 0, "freeze_layers": config.freeze_layers}
    for key, blocks in chosen_blocks.items():
        require(
            blocks == 0 or (blocks <= shape.blocks and not shape.shared),
            key,
            tr("must be at most {blocks}, and the blocks must not be shared", blocks=shape.blocks),
        )
    try:
        subwords = SubwordTokenizer(folder.tokenizer, folder.padding, prompt=config.prompt or "")
    except (ValueError, BundleError) as error:
        problem = tr("{place}: {problem}.", place=config.model, problem=str(error).rstrip(".。"))
        raise SettingsError(problem, tr("Download the model again.")) from None
    if subwords.n_special_tokens >= config.row_length:
        raise SettingsError(
            tr(
                "{model}: its tokenizer puts {n_special_tokens} tokens around a text.",
                model=config.model,
                n_special_tokens=subwords.n_special_tokens,
            ),
            tr("Choose a larger max_length, so that there is room for the text, or a shorter prompt."),
        )
    if subwords.size > shape.tokens:
        raise SettingsError(
            tr(
                "{model}: the tokenizer has {size} tokens and the encoder {tokens}.",
                model=config.model,
                size=subwords.size,
                tokens=shape.tokens,
            ),
            tr("Download both from the same place."),
        )
    huggingface.check_weights(folder)
    require(
        (config.pooled_blocks or 1) <= shape.blocks,
        "pooled_blocks",
        tr("must be at most {blocks}", blocks=shape.blocks),
    )
    pooled = config.pooled_blocks or (1 if config.sentence is not None else _upper_half(shape.blocks))
    unknown = choosing.unknown_letters(config.model, subwords, texts, config.allow_unknown_letters)
    filled = replace(config, architecture=shape.to_dict(), pooled_blocks=pooled, unknown_letters=unknown)
    return filled, subwords


def mark_second_text(config: Config, encoder: RowEncoder) -> tuple[Config, RowEncoder]:
    """Give the tokens of the second of two texts ids of their own, if the encoder was trained with token types.

    Args:
        config: The settings, filled in by `encode`.
        encoder: The encoder of rows.

    Returns:
        Both, changed or not.
    """
    from tenor.models.pretrained import hub, huggingface
    from tenor.text.subwords import SubwordTokenizer

    subwords, shape = encoder.text_encoder, config.architecture or {}
    if len(encoder.fields.texts) != 2 or not isinstance(subwords, SubwordTokenizer) or not subwords.has_token_types:
        return config, encoder
    if not huggingface.has_two_segments(huggingface.read_folder(hub.locate(config.model))):
        return config, encoder
    marked = replace(encoder, second_offset=int(shape["tokens"]))
    return replace(config, architecture={**shape, "second_segment": True}), marked


def _fill_in_sentence_encoder(config: Config, folder: "EncoderFolder") -> Config:
    """The settings with those that the folder of a sentence encoder decides, where the user did not.

    The built-in encoder keeps the defaults, which were measured with it. With `pooling` set, the Transformer is used
    alone.
    """
    from tenor.models.pretrained import catalogue, sentence_encoder

    positions, recommended = folder.architecture.positions, catalogue.find(config.model)
    if recommended is not None and recommended.package is not None:
        length = config.max_length or min(DEFAULT_LENGTH, positions)
        return replace(config, max_length=length, pooling=config.pooling or "mean", prompt=config.prompt or "")
    trained = sentence_encoder.max_length(folder.path)
    default = DEFAULT_LENGTH if trained is None else min(trained, _LONGEST_DEFAULT)
    length = config.max_length or max(min(default, positions), 4)
    by_name, default_name = sentence_encoder.prompts(folder.path)
    prompt = config.prompt
    if prompt is None:
        prompt = sentence_encoder.choose_prompt(by_name, default_name)
    config = replace(config, max_length=length, prompt=by_name.get(prompt, prompt), sentence=None)
    if config.pooling is not None:
        return config
    meant = sentence_encoder.read(folder.path, folder.architecture.width)
    if meant is None:
        return replace(config, pooling="mean")
    return replace(config, pooling=meant.pooling, sentence=meant.layers.to_dict())


def read_weights(config: Config) -> Arrays:
    """The weights of the encoder that the filled-in settings name, by the paths of the network's variables.

    Raises:
        SettingsError: They do not fit config.json, or are damaged.
    """
    from tenor.models.pretrained import hub, huggingface, sentence_encoder
    from tenor.models.pretrained.architectures import Architecture

    folder = huggingface.read_folder(hub.locate(config.model))
    weights: Arrays = huggingface.read_weights(folder, Architecture(**(config.architecture or {})))
    if not config.sentence_layers.dense:
        return weights
    meant = sentence_encoder.read(folder.path, folder.architecture.width)
    return {**weights, **(meant.read_weights() if meant else {})}


def _upper_half(blocks: int) -> int:
    return (blocks + 1) // 2


def build(config: Config, task: Task) -> KerasModel:
    """Ids (batch, time) -> logits (batch, outputs). Padding gets no attention, and the mean leaves it out."""
    import keras

    from tenor.models.neural import precision
    from tenor.models.neural.layers import Pool, UnitLength
    from tenor.models.pretrained import keras_encoder
    from tenor.models.pretrained.architectures import Architecture

    shape = Architecture(**(config.architecture or {}))
    first_tuned = {"frozen": shape.blocks, "top": shape.blocks - config.blocks}.get(config.tune or "all", 0)
    tuning = keras_encoder.Tuning(
        embeddings=config.tune in (None, "all") and not config.freeze_layers,
        blocks=max(first_tuned, config.freeze_layers),
        lora_rank=config.rank if config.tune == "lora" else 0,
        checkpointing=config.gradient_checkpointing,
    )
    ids = keras.Input((None,), dtype="int32", name="ids")
    last = keras_encoder.apply(shape, tuning, ids, config.pooled_blocks or 1)  # None in models of early versions
    vectors = [Pool(config.pool_mode, name=f"pool_{number}")(values, ids) for number, values in enumerate(last)]
    pooled = keras.layers.Average(name="pool")(vectors)
    layers = config.sentence_layers
    for number, layer in enumerate(layers.dense):
        sentence_layer = keras.layers.Dense(layer.outputs, layer.activation, name=layer_name(number))
        sentence_layer.trainable = config.tune in (None, "all", "top")
        pooled = sentence_layer(pooled)
    if layers.normalised:
        pooled = UnitLength(name="unit_length")(pooled)
    features = keras.layers.Dropout(config.dropout, name="dropout")(pooled)
    logits = keras.layers.Dense(task.n_outputs, dtype=precision.head_dtype(), name="logits")(features)
    return keras.Model(ids, logits, name="encoder")


def initialise(config: Config, keras_model: KerasModel) -> None:
    """Load the encoder's weights into a new model. Raises SettingsError where they do not fit config.json."""
    variables = {variable.path: variable for variable in keras_model.weights}
    for path, value in read_weights(config).items():
        variables[path].assign(value)


def shapes(config: Config, outputs: int) -> Shapes:
    """The weights of the network that `build` makes. Raises ValueError where the architecture is damaged."""
    from tenor.models.pretrained.architectures import Architecture

    record = Record(config.architecture or {}, "tenor.json", "settings.architecture")
    shape = Architecture.from_record(record)
    if config.row_length > shape.positions:
        raise record.error(
            "positions",
            tr(
                "it is {positions:,}, and max_length is {row_length:,}",
                positions=shape.positions,
                row_length=config.row_length,
            ),
        )
    yield from shape.weights(config.rank if config.tune == "lora" else 0)
    yield from config.sentence_layers.shapes()
    yield from dense("logits", config.features_width, outputs)


def layerwise_decay(config: Config) -> Callable[[str], float]:
    """Path of a variable -> its share of the learning rate, which falls from block to block towards the input."""
    blocks = int((config.architecture or {})["blocks"])

    def scale(path: str) -> float:
        layer = path.partition("/")[0]
        if layer.startswith("block_"):
            return float(config.layer_decay ** (blocks - int(layer.removeprefix("block_"))))
        if layer == "convolution":  # between the first two blocks
            return float(config.layer_decay**blocks)
        return float(config.layer_decay ** (blocks + 1)) if layer in ("embeddings", "relative") else 1.0

    return scale


FAMILY = NetworkFamily(
    name="pretrained",
    summary="A pretrained encoder, fine-tuned: the most accurate; minutes to hours.",
    paper="Devlin et al., 2019",
    config=Config,
    build=build,
    shapes=shapes,
    encode=encode,
    initialise=initialise,
    structure=("model", "architecture", "sentence"),
    mark_second_text=mark_second_text,
    learning_rate_scale=layerwise_decay,
)
