"""The shapes of pretrained encoders, and how each model type of Hugging Face names settings and tensors.

A new model type whose blocks compute the same is one more entry of `MODEL_TYPES`.
"""

from dataclasses import asdict, dataclass, field

from tenor._core.records import JsonObject, Record

_ACTIVATIONS = {
    "gelu": "gelu",
    "relu": "relu",
    "tanh": "tanh",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
_DEFAULT_EPSILON = 1e-12
_LARGEST_SETTING = 1 << 31
# Limits of an architecture; the largest known ones have a third of each, or less.
_MOST_TOKENS, _MOST_POSITIONS, _MOST_BLOCKS, _WIDEST = 4_000_000, 1 << 20, 512, 1 << 16


@dataclass(frozen=True)
class Architecture:
    """The shape of an encoder. A saved model has it under the names of these fields.

    Attributes:
        tokens: Number of token ids.
        positions: Length of the longest row.
        width: Width of the values.
        inner: Width of the embedding tables.
        blocks: How many blocks are applied.
        shared: Whether all blocks share their weights (ALBERT).
        heads: Attention heads.
        hidden: Width of the feed-forward layers.
        activation: Activation of the feed-forward layers.
        epsilon: Epsilon of the normalisations.
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

    @property
    def stored_blocks(self) -> int:
        """How many blocks have weights of their own."""
        return 1 if self.shared else self.blocks

    def to_dict(self) -> JsonObject:
        """The architecture as plain values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Record) -> "Architecture":
        """Read the result of `to_dict`. Raises RecordError for a value that is missing, wrong or too large."""
        architecture = cls(
            tokens=record.integer("tokens", 1, _MOST_TOKENS),
            positions=record.integer("positions", 1, _MOST_POSITIONS),
            width=record.integer("width", 1, _WIDEST),
            inner=record.integer("inner", 1, _WIDEST),
            blocks=record.integer("blocks", 1, _MOST_BLOCKS),
            shared=record.boolean("shared"),
            heads=record.integer("heads", 1, _WIDEST),
            hidden=record.integer("hidden", 1, 8 * _WIDEST),
            activation=record.choice("activation", sorted(set(_ACTIVATIONS.values()))),
            epsilon=record.number("epsilon", 0, 1),
        )
        width, heads = architecture.width, architecture.heads
        if width % heads:
            raise record.error("heads", f"they are {heads:,}, which do not share the width of {width:,}")
        return architecture


@dataclass(frozen=True)
class ConfigKeys:
    """The keys of config.json for the fields of `Architecture`. The defaults are those of BERT."""

    tokens: str = "vocab_size"
    positions: str = "max_position_embeddings"
    width: str = "hidden_size"
    blocks: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    hidden: str = "intermediate_size"
    activation: str = "hidden_act"


@dataclass(frozen=True)
class BlockTensors:
    """The tensors of a block: `prefix`, with the number of the block, and the names after it. Defaults: BERT.

    Each name stands for a weight and a bias.

    Attributes:
        prefix: Start of all names.
        query: Query of the attention.
        key: Key of the attention.
        value: Value of the attention.
        attended: Output projection of the attention.
        attention: Normalisation of the attention.
        up: First feed-forward layer.
        down: Second feed-forward layer.
        feed_forward: Normalisation of the feed-forward layers.
    """

    prefix: str = "encoder.layer.{}"
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    attended: str = "attention.output.dense"
    attention: str = "attention.output.LayerNorm"
    up: str = "intermediate.dense"
    down: str = "output.dense"
    feed_forward: str = "output.LayerNorm"

    def name(self, number: int, part: str) -> str:
        """The name of a part, a field of this class, of a block."""
        return f"{self.prefix.format(number)}.{getattr(self, part)}"


@dataclass(frozen=True)
class ModelType:
    """How a model type of Hugging Face differs from BERT.

    Attributes:
        keys: Keys of config.json.
        block: Names of the tensors of a block.
        projection: Name of the layer from the width of the tables to that of the values.
        shared: Whether all blocks share their weights.
        first_position_after_padding: Whether positions are numbered from the padding id plus 1 on, so that the rows of
            the table before it are unused.
        has_epsilon: Whether config.json has the epsilon of the normalisations.
    """

    keys: ConfigKeys = field(default_factory=ConfigKeys)
    block: BlockTensors = field(default_factory=BlockTensors)
    projection: str = "embeddings_project"
    shared: bool = False
    first_position_after_padding: bool = False
    has_epsilon: bool = True


_ROBERTA = ModelType(first_position_after_padding=True)

MODEL_TYPES = {
    "bert": ModelType(),
    "distilbert": ModelType(
        keys=ConfigKeys(width="dim", blocks="n_layers", heads="n_heads", hidden="hidden_dim", activation="activation"),
        block=BlockTensors(
            prefix="transformer.layer.{}",
            query="attention.q_lin",
            key="attention.k_lin",
            value="attention.v_lin",
            attended="attention.out_lin",
            attention="sa_layer_norm",
            up="ffn.lin1",
            down="ffn.lin2",
            feed_forward="output_layer_norm",
        ),
        has_epsilon=False,
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "electra": ModelType(),
    "albert": ModelType(
        block=BlockTensors(
            prefix="encoder.albert_layer_groups.0.albert_layers.{}",
            query="attention.query",
            key="attention.key",
            value="attention.value",
            attended="attention.dense",
            attention="attention.LayerNorm",
            up="ffn",
            down="ffn_output",
            feed_forward="full_layer_layer_norm",
        ),
        projection="encoder.embedding_hidden_mapping_in",
        shared=True,
    ),
}
"""`model_type` of config.json -> how it is read."""


def from_config(model_type: ModelType, config: Record) -> Architecture:
    """Read an architecture from config.json.

    Args:
        model_type: The model type.
        config: The content of config.json.

    Raises:
        RecordError: A value is missing, wrong, or belongs to an encoder of another kind.
    """
    values, keys = config.values, model_type.keys
    sizes = {
        name: config.integer(getattr(keys, name), 1, _LARGEST_SETTING)
        for name in ("width", "blocks", "heads", "hidden", "tokens", "positions")
    }
    activation = values.get(keys.activation, "gelu")
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise config.error(keys.activation, f"the activation {activation!r:.60} is not known")
    if values.get("position_embedding_type", "absolute") != "absolute":
        raise config.error("position_embedding_type", "its positions are not absolute")
    if model_type.first_position_after_padding:
        sizes["positions"] -= config.integer("pad_token_id", 0, sizes["positions"] - 2) + 1
    for key in ("num_hidden_groups", "inner_group_num"):
        if values.get(key, 1) != 1:
            raise config.error(key, "its blocks are of several kinds")
    has_inner = bool(values.get("embedding_size"))
    has_epsilon = model_type.has_epsilon and "layer_norm_eps" in values
    architecture = {
        **sizes,
        "inner": config.integer("embedding_size", 1, _LARGEST_SETTING) if has_inner else sizes["width"],
        "shared": model_type.shared,
        "activation": _ACTIVATIONS[activation],
        "epsilon": config.number("layer_norm_eps") if has_epsilon else _DEFAULT_EPSILON,
    }
    return Architecture.from_record(Record(architecture, config.file))
