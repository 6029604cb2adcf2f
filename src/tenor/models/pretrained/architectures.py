"""The shape of a pretrained encoder, as a saved model has it. `model_types` reads it from config.json."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.models.neural import shapes
from tenor.models.neural.block_shape import NORMS, BlockShape, EmbeddingShape
from tenor.models.neural.relative_positions import BIAS, DISENTANGLED, KINDS, RelativeShape

ACTIVATIONS = {
    "gelu": "gelu",
    "relu": "relu",
    "tanh": "tanh",
    "silu": "silu",
    "swish": "silu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
"""An activation in config.json -> its name in Tenor."""

# Limits of an architecture; the largest known ones have a third of each, or less.
_MOST_TOKENS, _MOST_POSITIONS, _MOST_BLOCKS, _WIDEST = 4_000_000, 1 << 20, 512, 1 << 16
_LARGEST_BASE = 1e12
_REQUIRED = 10  # fields without a default; models of early versions have them alone


@dataclass(frozen=True)
class Architecture:
    """The shape of an encoder. A saved model has it under the names of these fields, without those with their default.

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
        absolute_positions: Whether there is a table of positions.
        embedding_norm: Whether the embeddings are normalised.
        norm: Kind of the normalisations: `layer` or `rms`.
        norm_first: Whether blocks normalise their inputs (pre-norm); a normalisation above all blocks follows them.
        norm_shift: Whether layer normalisation adds a shift.
        first_attention_norm: Whether the attention of the first block has a normalisation.
        key_heads: Heads of keys and values; each serves several heads of queries. None: `heads`.
        gated: Whether the feed-forward layer is gated: GeGLU, SwiGLU.
        attention_bias: Whether the projections of the attention add a bias.
        up_bias: Whether the first feed-forward layer adds a bias.
        down_bias: Whether the second one does.
        rotary_base: Base of rotary positions; None: no rotation.
        local_rotary_base: The same for blocks with a window; None: `rotary_base`.
        rotary_divisor: Divisor of the frequencies of rotary positions.
        window: A block attends to this many tokens on each side; None: all blocks attend to all tokens.
        full_attention_every: With `window`, blocks whose number this divides attend to all tokens.
        relative: Kind of relative positions: `bias` or `disentangled`; None: none.
        buckets: Buckets of relative positions; see `RelativeShape`.
        max_distance: Distance from which on all tokens share a bucket; None: each distance has its own.
        relative_norm: Whether the vectors of relative positions are normalised.
        convolution: Tokens that the convolution after the first block sees; None: there is none.
        convolution_activation: Its activation.
        second_segment: Whether the tokens of the second of two texts have ids of their own; see `EmbeddingShape`.
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
    absolute_positions: bool = True
    embedding_norm: bool = True
    norm: str = "layer"
    norm_first: bool = False
    norm_shift: bool = True
    first_attention_norm: bool = True
    key_heads: int | None = None
    gated: bool = False
    attention_bias: bool = True
    up_bias: bool = True
    down_bias: bool = True
    rotary_base: float | None = None
    local_rotary_base: float | None = None
    rotary_divisor: float = 1.0
    window: int | None = None
    full_attention_every: int = 1
    relative: str | None = None
    buckets: int = 1
    max_distance: int | None = None
    relative_norm: bool = False
    convolution: int | None = None
    convolution_activation: str = "tanh"
    second_segment: bool = False

    @property
    def stored_blocks(self) -> int:
        """How many blocks have weights of their own."""
        return 1 if self.shared else self.blocks

    @property
    def embedding_shape(self) -> EmbeddingShape:
        """What its embeddings compute."""
        return EmbeddingShape(
            tokens=self.tokens,
            positions=self.positions if self.absolute_positions else None,
            width=self.width,
            inner=self.inner,
            epsilon=self.epsilon if self.embedding_norm else None,
            norm_shift=self.norm_shift,
            second_segment=self.second_segment,
        )

    @property
    def relative_shape(self) -> RelativeShape | None:
        """How relative positions are numbered; None: there are none."""
        if self.relative is None:
            return None
        epsilon = self.epsilon if self.relative_norm else None
        return RelativeShape(self.relative, self.positions, self.buckets, self.max_distance, epsilon)

    def block_shape(self, number: int) -> BlockShape:
        """What a block computes; `number` is its place, from 0."""
        is_local = self.window is not None and number % self.full_attention_every != 0
        return BlockShape(
            heads=self.heads,
            hidden=self.hidden,
            activation=self.activation,
            norm_first=self.norm_first,
            epsilon=self.epsilon,
            norm=self.norm,
            norm_shift=self.norm_shift,
            attention_norm=self.first_attention_norm or number > 0,
            key_heads=self.key_heads,
            gated=self.gated,
            attention_bias=self.attention_bias,
            up_bias=self.up_bias,
            down_bias=self.down_bias,
            rotary_base=(self.local_rotary_base or self.rotary_base) if is_local else self.rotary_base,
            rotary_divisor=self.rotary_divisor,
            window=self.window if is_local else None,
            relative=self.relative_shape if self.relative == DISENTANGLED else None,
        )

    def weights(self, lora_rank: int = 0) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Path and shape of each weight of the encoder's layers in Keras."""
        yield from shapes.embeddings(self.embedding_shape)
        if (relative := self.relative_shape) is not None:
            yield "relative/table", (relative.rows, self.heads if relative.kind == BIAS else self.width)
            if relative.epsilon is not None:
                yield from shapes.norm("relative", self.width)
        for number in range(self.stored_blocks):
            yield from shapes.block(number, self.width, self.block_shape(number), lora_rank)
        if self.convolution is not None:
            yield "convolution/kernel", (self.convolution, self.width, self.width)
            yield "convolution/bias", (self.width,)
            yield from shapes.norm("convolution", self.width)
        if self.norm_first:
            yield from shapes.norm("norm", self.width, self.block_shape(0).has_shift)

    def to_dict(self) -> JsonObject:
        """The architecture as plain values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        optional = {each.name: each.default for each in fields(self)[_REQUIRED:]}
        return {name: value for name, value in values.items() if name not in optional or value != optional[name]}

    @classmethod
    def from_record(cls, record: Record) -> "Architecture":
        """Read the result of `to_dict`. Raises RecordError for a value that is missing, wrong or too large."""
        record.refuse_unknown([each.name for each in fields(cls)])
        optional = {each.name: each.default for each in fields(cls)[_REQUIRED:]}
        given = Record({**optional, **record.values}, record.file, record.path)

        def size(name: str, most: int = _WIDEST) -> int | None:
            return None if given.values[name] is None else given.integer(name, 1, most)

        def base(name: str) -> float | None:
            return None if given.values[name] is None else given.number(name, 1, _LARGEST_BASE)

        names = sorted(set(ACTIVATIONS.values()))
        booleans = [name for name, value in optional.items() if isinstance(value, bool)]
        architecture = cls(
            tokens=given.integer("tokens", 1, _MOST_TOKENS),
            positions=given.integer("positions", 1, _MOST_POSITIONS),
            width=given.integer("width", 1, _WIDEST),
            inner=given.integer("inner", 1, _WIDEST),
            blocks=given.integer("blocks", 1, _MOST_BLOCKS),
            shared=given.boolean("shared"),
            heads=given.integer("heads", 1, _WIDEST),
            hidden=given.integer("hidden", 1, 8 * _WIDEST),
            activation=given.choice("activation", names),
            epsilon=given.number("epsilon", 0, 1),
            norm=given.choice("norm", NORMS),
            key_heads=size("key_heads"),
            rotary_base=base("rotary_base"),
            local_rotary_base=base("local_rotary_base"),
            rotary_divisor=given.number("rotary_divisor", 1, _LARGEST_BASE),
            window=size("window", _MOST_POSITIONS),
            full_attention_every=given.integer("full_attention_every", 1, _MOST_BLOCKS),
            relative=None if given.values["relative"] is None else given.choice("relative", KINDS),
            buckets=given.integer("buckets", 1, _MOST_POSITIONS),
            max_distance=size("max_distance", _MOST_POSITIONS),
            convolution=size("convolution", 99),
            convolution_activation=given.choice("convolution_activation", names),
            **{name: given.boolean(name) for name in booleans},
        )
        architecture._check(given)
        return architecture

    def _check(self, record: Record) -> None:
        """Raise RecordError where the values do not fit each other."""
        width, heads = self.width, self.heads
        if width % heads:
            raise record.error(
                "heads", tr("they are {heads:,}, which do not share the width of {width:,}", heads=heads, width=width)
            )
        if self.key_heads is not None and heads % self.key_heads:
            raise record.error(
                "key_heads",
                tr(
                    "they are {key_heads:,}, which do not share the {heads:,} heads",
                    key_heads=self.key_heads,
                    heads=heads,
                ),
            )
        if self.rotary_base is not None and width // heads % 2:
            raise record.error(
                "heads", tr("rotary positions need an even width, and each head has {width}", width=width // heads)
            )
        if self.convolution is not None and self.convolution % 2 == 0:
            raise record.error(
                "convolution",
                tr("it sees {convolution} tokens, and only odd numbers are known", convolution=self.convolution),
            )
        if self.relative is not None and self.max_distance is not None:
            exact = self.buckets // 4 if self.relative == BIAS else self.buckets // 2
            if exact < 1 or self.max_distance - 1 <= exact:
                raise record.error(
                    "max_distance",
                    tr(
                        "it is {max_distance:,}, beside {buckets:,} buckets",
                        max_distance=self.max_distance,
                        buckets=self.buckets,
                    ),
                )
